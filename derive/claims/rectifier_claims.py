"""Claims about ReLU networks: He et al. (2015), the post of 2020-02-18, and the later post of 2020-03-31."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from sympy import Eq, Expr, Integer, Rational, Symbol, acos, cancel, pi, sqrt

from derive.averages import Average, SharedVariance, Variance
from derive.claims.claim import Claim
from derive.hypotheses import (
    BIASES_ZERO,
    HE_WEIGHTS,
    INPUT_INDEPENDENT,
    OUTPUT_GRADIENT_CENTRED,
    OUTPUT_GRADIENT_INDEPENDENT,
    OUTPUT_GRADIENT_SHARES_VARIANCE,
    RELU,
    WEIGHTS,
    WEIGHTS_SYMMETRIC,
)
from derive.indices import J, K
from derive.layers import Facts, d, i
from derive.network import BIAS_VARIANCE, GAIN, SLOPE, W, cost_gradient, f, n, s
from derive.proof.derivation import Statement
from derive.randomness import NETWORKS, SAMPLES
from derive.rules.analysis import T_OF_M_V, DecayFunction, T
from derive.rules.wide import M, V
from derive.setting import Setting
from derive.theorems.kernel_k import nested
from derive.theorems.network_variance import OVER_Y, SYMMETRIC, Y, closed_form, half_variance
from derive.theorems.quadratic_form import (
    EIGENVALUE_MEANS,
    GAUSSIAN_ROW,
    SCALE,
    SCALED,
    N,
    quadratic_form_variance,
)
from derive.theorems.rectifier_gradient import FIXED_INPUT
from derive.theorems.rectifier_gradient import closed_form as gradient_closed_form
from derive.theorems.sample_variance import sample_variance, sample_variance_stable
from derive.words import Words

POST = "Kaiming initialization doesn't preserve neuron variance, if you compute the variance over inputs (2020-02-18)"
LATER = "The same author's later post (2020-03-31)"
HE_PAPER = "He et al. 2015, Delving deep into rectifiers"
_STEP = Facts((i, d - 1 - i))
_RELU_NET = (RELU, *WEIGHTS, BIASES_ZERO, WEIGHTS_SYMMETRIC)
_GRADIENT = (OUTPUT_GRADIENT_INDEPENDENT, OUTPUT_GRADIENT_CENTRED, OUTPUT_GRADIENT_SHARES_VARIANCE)


def network_variance_preserved() -> Claim:
    """<<y_l^2>> = <<y_{l-1}^2>> in a ReLU net with He's weights."""
    return Claim(
        id="post-3-network-variance-preserved",
        title="He's weights preserve the variance over networks",
        source=POST,
        where="the result of the section on networks",
        printed=Statement(Variance(s(i + 1, K), NETWORKS), "=", Variance(s(i, J), NETWORKS)),
        setting=Setting((*_RELU_NET, HE_WEIGHTS), _STEP, NETWORKS),
        against=(closed_form,),
        reading=Words(
            'One fixed input. The post says that, over weights, elements of the layer before "are symmetrically '
            'distributed around zero"; its weights are Gaussian, and so symmetric.'
        ),
    )


def exact() -> Claim:
    """The same, as it is: "this calculation is exact"."""
    return replace(
        network_variance_preserved(),
        id="post-3-exact",
        title="The calculation needs nothing of the input nor of the width",
        where='"We didnt make any assumptions about the input, nor the network width. This calculation is exact."',
        reading=Words(
            "Any input and any width. Of the weights the calculation says that they have mean zero and He's variance, "
            'and that, over them, elements of the layer before "are symmetrically distributed around zero".'
        ),
    )


def exact_any_law() -> Claim:
    """The same for weights of any law with mean zero and He's variance."""
    return replace(
        network_variance_preserved(),
        id="post-3-exact-any-law",
        title="He's variance preserves the variance over networks, whatever the law of the weights",
        where='"drawing weights from a zero mean distribution with variance 2/N", in the introduction',
        setting=Setting((RELU, *WEIGHTS, BIASES_ZERO, HE_WEIGHTS), _STEP, NETWORKS),
        reading=Words("Of the weights only what the introduction names: independence, mean zero and He's variance."),
    )


def half() -> Claim:
    """<<f(y)^2>> = 1/2 <<y^2>> for ReLU and a symmetric law."""
    return Claim(
        id="post-3-half-variance",
        title="ReLU keeps half of the mean square",
        source=POST,
        where="the step before the result of the section on networks",
        printed=Statement(Average(f(Y()) ** 2, OVER_Y), "=", Average(Y() ** 2, OVER_Y) / 2),
        setting=Setting((RELU, SYMMETRIC), over=OVER_Y),
        against=(half_variance,),
    )


def step_1() -> Claim:
    """<y^2> - <y>^2 is about <<<y^2> - <y>^2>>: in one network, as far as it is decided by the last weights."""
    return Claim(
        id="post-3-step-1",
        title="The variance over samples in one network is its mean over networks",
        source=POST,
        where="step 1",
        printed=Statement(Variance(s(i, K), SAMPLES), "≈", Average(Variance(s(i, K), SAMPLES), NETWORKS)),
        setting=Setting((BIASES_ZERO, INPUT_INDEPENDENT, GAUSSIAN_ROW, SCALED), Facts((i, d - i)), NETWORKS),
        against=(quadratic_form_variance,),
        off=_self_averaging_error,
        reading=Words(
            'The post prints "≈". In one network the left side is a quadratic form in the {} last weights of the '
            "neuron, {} is the mean of the eigenvalues of the samples' covariance in the layer before, {} that of "
            "their squares. What is off is the root of the variance over those weights, relative to the mean; where "
            "few directions carry the fluctuation, it is as large as for so few weights. "
            "The layers before add their own.",
            N,
            *EIGENVALUE_MEANS,
        ),
    )


def _self_averaging_error() -> tuple[Expr, Symbol]:
    """Return the relative deviation of a quadratic form from its mean, s^2 <lambda>, and the number of weights."""
    mean = SCALE**2 * EIGENVALUE_MEANS[0]
    return sqrt(quadratic_form_variance().result) / mean, N


def step_3() -> Claim:
    """<<<y>^2>> = 2 K(m, v): the factor in front of the nested integral is He's gain."""

    def derived() -> Expr:
        return _he_relu(sample_variance().result)

    return Claim(
        id="post-3-step-3",
        title="The factor 2 in front of the nested integral",
        source=POST,
        where="step 3",
        printed=Statement(Symbol("m'^2"), "=", 2 * nested().result.subs(SLOPE, 0)),
        setting=Setting((RELU, *WEIGHTS, HE_WEIGHTS, BIASES_ZERO, INPUT_INDEPENDENT)),
        against=(sample_variance,),
        analytic=derived,
        reading=Words(
            "The left side is a layer later than {} and {} on the right. Step 2 draws these from Gaussian laws, and "
            "says nothing of when they have such.",
            Symbol("mu"),
            Symbol("nu"),
        ),
    )


def he_condition() -> Claim:
    """Var[y_{l+1}] = Var[y_l] <=> 1/2 n Var[W] = 1 in ReLU nets."""
    return Claim(
        id="he-2015-variance-condition",
        title="The forward condition for ReLU",
        source=HE_PAPER,
        where="equation 10",
        printed=Statement(
            Eq(Variance(s(i + 1, K), NETWORKS), Variance(s(i, J), NETWORKS)),
            "<=>",
            Eq(Rational(1, 2) * n(i + 1) * SharedVariance(W, i + 1), 1),
        ),
        setting=Setting(_RELU_NET, _STEP, NETWORKS),
        against=(closed_form,),
    )


def he_backward() -> Claim:
    """Var[dCost/ds^i] = 1/2 n Var[W^{i+1}] Var[dCost/ds^{i+1}] in ReLU nets."""
    after = Variance(cost_gradient(s(i + 1, J)), FIXED_INPUT)
    return Claim(
        id="he-2015-backward",
        title="The gradient's variance, one layer back, for ReLU",
        source=HE_PAPER,
        where="equation 12, with the line before it",
        printed=Statement(
            Variance(cost_gradient(s(i, K)), FIXED_INPUT),
            "=",
            Rational(1, 2) * n(i + 2) * SharedVariance(W, i + 1) * after,
        ),
        setting=Setting((RELU, *WEIGHTS, WEIGHTS_SYMMETRIC, INPUT_INDEPENDENT, *_GRADIENT), _STEP, FIXED_INPUT),
        against=(gradient_closed_form,),
        reading=Words(
            "Equation 12 is about the gradients at the activations, {}: they have {} times the variance of {} at the "
            "pre-activations, which the line before gives half of the next layer's. Here the same step goes from {} "
            "to {}. The paper takes the slope to be zero or one with equal probability, and independent of the "
            "gradient; the latter is not needed, but a pre-activation that is exactly zero has no slope.",
            Symbol("Δx"),
            n(i + 2) * SharedVariance(W, i + 1),
            Symbol("Δy"),
            cost_gradient(s(i + 1, J)),
            cost_gradient(s(i, K)),
        ),
    )


def xavier_on_relu() -> Claim:
    """N Var[W] = 1 => Var[y_{l+1}] = Var[y_l] in ReLU nets."""
    return Claim(
        id="xavier-on-relu",
        title="Xavier's condition preserves the variance in ReLU nets",
        source="A common belief; Glorot & Bengio 2010 derive the condition for linear networks",
        where="equation 10 of that paper, applied to ReLU",
        printed=Statement(
            Eq(n(i + 1) * SharedVariance(W, i + 1), 1),
            "=>",
            Eq(Variance(s(i + 1, K), NETWORKS), Variance(s(i, J), NETWORKS)),
        ),
        setting=Setting(_RELU_NET, _STEP, NETWORKS),
        against=(closed_form,),
    )


def _he_relu(expression: Expr) -> Expr:
    """Return an expression at ReLU with He's gain and no biases."""
    values = {SLOPE: Integer(0), GAIN: Integer(2), BIAS_VARIANCE: Integer(0)}
    return expression.subs(values)


@cache
def _next() -> tuple[Expr, Expr]:
    """Return m'^2 and v'^2 of one ReLU layer with He's gain and no biases, from `sample-variance-stable`."""
    fluctuation = sample_variance_stable()
    (mean,) = fluctuation.parts
    return tuple(_he_relu(e.subs(T, T_OF_M_V)) for e in (mean.result, fluctuation.result))


def later_m_recursion() -> Claim:
    """m'^2 = m^2 [1 + (sqrt(1/c^2 - 1) - arccos c)/pi] with c^2 = m^2/(m^2 + v^2)."""
    c = sqrt(M**2 / (M**2 + V**2))
    printed = M**2 * (1 + (sqrt(1 / c**2 - 1) - acos(c)) / pi)
    return Claim(
        id="later-post-m-recursion",
        title="The recursion of the mean over samples",
        source=LATER,
        where="the recursion of m",
        printed=Statement(Symbol("m'^2"), "=", printed),
        setting=Setting((RELU, HE_WEIGHTS)),
        against=(sample_variance_stable,),
        analytic=lambda: _next()[0],
        reading=Words(
            "With the definition of {} that it prints, {}; it is right with {} in its place.",
            Symbol("c"),
            Eq(Symbol("c") ** 2, M**2 / (M**2 + V**2)),
            Eq(Symbol("c"), M**2 / (M**2 + V**2)),
        ),
    )


def later_ratio() -> Claim:
    """r'^2 = r [...], with the bracket of the right recursion r'^2 = r^2 [...]."""
    r = Symbol("r", positive=True)

    def right() -> Expr:
        mean, fluctuation = _next()
        quotient = (mean / fluctuation).subs(M, r * V)
        at_ratio = {
            DecayFunction(h.args[0]): DecayFunction(1 / sqrt(1 + 2 * r**2)) for h in quotient.atoms(DecayFunction)
        }
        return cancel(quotient.xreplace(at_ratio))

    return Claim(
        id="later-post-ratio",
        title="The recursion of the ratio of mean and fluctuation",
        source=LATER,
        where="the recursion of r = m/v",
        printed=Statement(Symbol("r'^2"), "=", r * right() / r**2),
        setting=Setting((RELU, HE_WEIGHTS)),
        against=(sample_variance_stable,),
        analytic=right,
        reading=Words("The bracket is read as the right one; what is put to the test is the power of {} before it.", r),
    )


def later_self_averaging() -> Claim:
    """Var_w(w^T C w) = (s^4/N)(<lambda^2> - <lambda>^2)."""
    mean, square = EIGENVALUE_MEANS
    return Claim(
        id="later-post-self-averaging",
        title="The variance of a quadratic form in Gaussian weights",
        source=LATER,
        where="the argument for self-averaging",
        printed=Statement(Symbol("Var(w^T C w)"), "=", SCALE**4 / N * (square - mean**2)),
        setting=Setting((GAUSSIAN_ROW, SCALED)),
        against=(quadratic_form_variance,),
        analytic=lambda: quadratic_form_variance().result,
        reading=Words("{} and {} are the means of the eigenvalues and of their squares.", mean, square),
    )
