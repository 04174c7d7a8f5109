"""Two samples in wide networks without biases: how the sine of their angle fluctuates from layer to layer."""

from __future__ import annotations

from dataclasses import replace

from sympy import Eq, Expr, Gt, Integer, Symbol, cos, diff, log, pi, solve, sqrt

from derive.averages import Average, Covariance, Variance
from derive.gaussian import GaussianExpectation
from derive.hypotheses import RELU, Hypothesis
from derive.kinds import definition
from derive.layers import Facts, d, i
from derive.network import BIAS_VARIANCE, SLOPE, f, n
from derive.proof.derivation import Derivation, Proof
from derive.randomness import NETWORKS
from derive.rules import ByLemma, Linearity
from derive.rules.asymptotics import SimplifySides
from derive.rules.fluctuations import SmallFluctuations
from derive.rules.given import PutIn, Rename
from derive.rules.logarithms import VarianceOfIndependent
from derive.rules.means import CovarianceDefinition
from derive.rules.rectifier import DefineRectifier
from derive.rules.replicas import Exchange
from derive.rules.small_angles import HalfTurn, LeadingQuotient
from derive.rules.wide import FIRST, SECOND, ByClosedForm, Q, U, one_gaussian
from derive.setting import Setting
from derive.theorems.angle import RHO
from derive.theorems.gram_correction import (
    BIAS_DEFINED,
    EXACT,
    KERNELS,
    NARROW_KERNELS,
    covariance_of,
    mean_of,
)
from derive.theorems.signals import Q1, Q2, Q12
from derive.words import Words

N = Symbol("N", integer=True, positive=True)
MOMENTS = {(a, b): Symbol(f"J_{a}{b}", positive=True) for a, b in ((2, 0), (4, 0), (1, 1), (2, 2), (3, 1))}
"""J_ab = E[f(y_1)^a f(y_2)^b], for a Gaussian pair of variance q and correlation rho."""
_SAMPLES = ((1, 1), (1, 2), (2, 2))
ENTRIES = tuple(KERNELS(1, *t) for t in _SAMPLES)
"""K_11, K_12 and K_22 behind one layer."""
_MEANS = tuple(zip(_SAMPLES, (Q1, Q12, Q2), strict=True))


def moment(a: int, b: int) -> Expr:
    """Return E[f(y_1)^a f(y_2)^b], unevaluated."""
    if b == 0:
        return one_gaussian(f(U) ** a)
    rows = ((Q, Q * RHO), (Q * RHO, Q))
    return GaussianExpectation.of(f(FIRST) ** a * f(SECOND) ** b, (FIRST, SECOND), (Integer(0),) * 2, rows)


_INPUTS = tuple(zip(_SAMPLES, (Q, Q * RHO, Q), strict=True))
EQUAL_LENGTHS = Hypothesis(
    "equal-lengths",
    Words(
        "The two inputs have one length and the correlation {}: {}, {} and {}.",
        RHO,
        *(Eq(KERNELS(0, *t), value, evaluate=False) for t, value in _INPUTS),
    ),
    (),
)
NO_BIASES = Hypothesis("no-biases", Words("There are no biases: {}.", Eq(BIAS_VARIANCE, 0)), ())
APART = Hypothesis(
    "samples-apart", Words("The two samples are neither alike nor opposite: {}.", Gt(1 - RHO**2, 0, evaluate=False)), ()
)
ANGLE = Symbol("t", positive=True)
POWER = Symbol("p", real=True)
BETWEEN = Hypothesis(
    "angle-between",
    Words(
        "The angle {} of the two samples is between zero and a half turn: {} and {}.",
        ANGLE,
        Gt(pi - ANGLE, 0, evaluate=False),
        Gt(1 - cos(ANGLE) ** 2, 0, evaluate=False),
    ),
    (),
)
ANGLE_NAMED = definition("angle", Words("{} is the cosine of the angle: {}.", RHO, Eq(RHO, cos(ANGLE), evaluate=False)))
NEXT_MEANS = definition(
    "mean-kernels-one",
    Words(
        "{}, {} and {} are means behind one layer: {}, {} and {}.",
        *(q for _, q in _MEANS),
        *(Eq(q, Average(KERNELS(1, *t), NETWORKS), evaluate=False) for t, q in _MEANS),
    ),
)
WIDTH = definition("layer-width", Words("{} is the width of the layer: {}.", N, Eq(N, n(1), evaluate=False)))
NAMED = definition(
    "joint-moments",
    Words(
        "The {} are the joint moments of two units: " + ", ".join(["{}"] * len(MOMENTS)) + ".",
        Symbol("J_ab", positive=True),
        *(Eq(name, moment(*powers), evaluate=False) for powers, name in MOMENTS.items()),
    ),
)
SYMBOLS = (
    (N, Words("the width of the layer")),
    (RHO, Words("the correlation of the two samples before the layer: the cosine of their angle")),
    (Q, Words("the variance of their pre-activations")),
)
_SETTING = Setting(
    (*EXACT, BIAS_DEFINED, NEXT_MEANS, NARROW_KERNELS, EQUAL_LENGTHS, NO_BIASES, NAMED, WIDTH),
    Facts((d - 1,)),
    NETWORKS,
)


def angle_process() -> Derivation:
    """E[log sin^2 t'] less its limit, log(1 - J_11^2/J_20^2), and Var[log sin^2 t'], to first order in 1/N."""
    wide, behind = log(1 - Q12**2 / (Q1 * Q2)), _behind_given_inputs()
    mean = one_layer(Average(_log_sine(), NETWORKS) - wide, behind).done(
        "angle-process",
        "What one layer of real width adds to the mean logarithm of the squared sine of the angle",
        symbols=SYMBOLS,
        source="Jakub & Nica 2023",
    )
    spread = one_layer(Variance(_log_sine(), NETWORKS), behind).done(
        "angle-process-variance", "The variance of that logarithm", symbols=SYMBOLS, source="Jakub & Nica 2023"
    )
    power = factor_of_power(behind)
    parts = (spread, *(rectified(*powers) for powers in MOMENTS), power)
    return replace(mean, parts=parts, remarks=(_ANY_ACTIVATION, _edge(power)))


_ANY_ACTIVATION = Words(
    "It holds for any activation in the layer behind two given inputs. Where the activation is homogeneous, such as "
    "ReLU, the next angle depends on nothing but this one: the angles are a Markov chain of their own, and this is its "
    "step at every layer.",
)


def _edge(power: Derivation) -> Words:
    (least,) = solve(diff(power.result, POWER), POWER)
    return Words(
        "A layer of {} units of ReLU multiplies a power {} of a small angle by {}, weighted with both lengths as in "
        "theorem angle-operator; that is least at {}, and there {}. Angles are small once the depth exceeds the width. "
        "That the decay is then by this least factor a layer, the edge of a continuous spectrum, is what numbers show; "
        "it is not derived.",
        N,
        POWER,
        power.result,
        Eq(POWER, least, evaluate=False),
        power.result.subs(POWER, least),
    )


def _log_sine() -> Expr:
    one, both, other = ENTRIES
    return log(1 - both**2 / (one * other))


def one_layer(start: Expr, behind: _Behind, *more: Hypothesis) -> Proof:
    """Expand in the kernels behind one layer, and put in the moments of that layer behind given inputs."""
    covariances, means = behind
    proof = Proof(_SETTING.assuming(*more), start).by(SmallFluctuations(tuple((KERNELS(1, *t), q) for t, q in _MEANS)))
    proof.by(*map(ByLemma, covariances))
    proof.by(PutIn(tuple((q, Average(KERNELS(1, *t), NETWORKS)) for t, q in _MEANS)))
    return proof.by(*map(ByLemma, means), SimplifySides())


_Behind = tuple[tuple[Derivation, ...], tuple[Derivation, ...]]


def _behind_given_inputs() -> _Behind:
    """Return the covariances and the means of the kernels behind one layer, which all statements here rest on."""
    pairs = [(one, other) for k, one in enumerate(_SAMPLES) for other in _SAMPLES[k:]]
    return tuple(_behind_given(covariance_of(*p)) for p in pairs), tuple(_behind_given(mean_of(*t)) for t in _SAMPLES)


def _behind_given(every: Derivation) -> Derivation:
    """A mean or a covariance in the layer behind two given inputs, where nothing before it fluctuates."""
    mean = isinstance(every.statement.lhs, Average)
    given = (EQUAL_LENGTHS, NO_BIASES, NAMED) if mean else (EQUAL_LENGTHS, NAMED, WIDTH)
    proof = Proof(
        Setting((*every.setting.hypotheses, *given), Facts((d - 1,)), NETWORKS), every.statement.lhs.subs(i, 0)
    )
    proof.by(ByLemma(every))
    if proof.now.has(Covariance):
        proof.by(CovarianceDefinition())
    proof.by(Linearity())
    if proof.now.has(Variance):
        proof.by(VarianceOfIndependent())
    inputs = [(KERNELS(0, *t), value) for t, value in _INPUTS if proof.now.has(KERNELS(0, *t))]
    proof.by(PutIn(tuple(inputs)), *((PutIn(((BIAS_VARIANCE, Integer(0)),)),) if mean else ()))
    if proof.now.has(moment(1, 3)):
        proof.by(Exchange())
    names = [name for powers, name in MOMENTS.items() if proof.now.has(moment(*powers))]
    proof.by(Rename((*names, *(() if mean else (N,)))))
    return proof.done(f"{every.name}-given", f"{every.title}, behind two given inputs", symbols=SYMBOLS)


def factor_of_power(behind: _Behind) -> Derivation:
    """E[sqrt(K_11 K_22) sin(t')^p]/(...) ~ 1 - p (3 - p)/N at small angles, for ReLU and layers of N units."""

    def weighted(one: Expr, both: Expr, other: Expr) -> Expr:
        return sqrt(one * other) * (1 - both**2 / (one * other)) ** (POWER / 2)

    start = Average(weighted(*ENTRIES), NETWORKS) / weighted(Q1, Q12, Q2)
    proof = one_layer(start, behind, RELU, APART, BETWEEN, ANGLE_NAMED)
    proof.by(PutIn(tuple((name, moment(*powers)) for powers, name in MOMENTS.items())))
    proof.by(DefineRectifier(), PutIn(((SLOPE, Integer(0)),)), ByClosedForm(), PutIn(((RHO, cos(ANGLE)),)))
    return proof.by(HalfTurn(ANGLE), LeadingQuotient(ANGLE)).done(
        "angle-process-power",
        "What a layer of ReLU makes of a power of a small angle",
        symbols=(*SYMBOLS, (ANGLE, Words("the angle of the two samples before the layer"))),
    )


def rectified(a: int, b: int) -> Derivation:
    """J_ab for ReLU, in closed form."""
    hypotheses = (RELU, APART) if b else (RELU,)
    proof = Proof(Setting(hypotheses), moment(a, b))
    proof.by(DefineRectifier(), PutIn(((SLOPE, Integer(0)),)), ByClosedForm())
    return proof.done(f"rectified-moment-{a}{b}", "A joint moment of two rectified Gaussians", symbols=SYMBOLS[1:])
