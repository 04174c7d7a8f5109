"""The one text of blocks, for Python and the command line; nothing of it is ever executed.

::

    blocks   = block { "," block }
    block    = word [ "(" [ argument { "," argument } ] ")" ] | activation | "f" "(" expression in x ")"
    argument = [ name "=" ] (number | word | block)

A word is a block's, and its arguments are the parameters of its class, in order or by name: ``dense(256)``,
``conv(8, kernel=5, padding="circular")``, ``residual(dense(64), relu, scale=0.3)``. All else is an activation function,
as `derive.activations.activation` reads it, or ``f("x*Phi(x)")``. Numbers are exact, and may be formulas:
``1/sqrt(50)``.

Limits: 10 000 characters, brackets 20 deep, 10 000 blocks once repeats are written out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from inspect import Parameter, signature
from typing import Any, NoReturn

from sympy import Expr

from derive.activations import Activation, activation
from derive.activations.spellings import entry_of
from derive.blocks.block import Block
from derive.blocks.branches import Concatenate, SumOf
from derive.blocks.convolution import Convolution
from derive.blocks.dense import Dense
from derive.blocks.dropout import Dropout
from derive.blocks.elementwise import Elementwise
from derive.blocks.normalise import BatchNorm, LayerNorm, RMSNorm
from derive.blocks.pooling import AveragePool, Flatten
from derive.blocks.repeat import Repeat
from derive.blocks.residual import Residual
from derive.blocks.scale import Scale
from derive.blocks.scanner import QUOTES, Scanner
from derive.blocks.serial import Serial
from derive.errors import InputError, close_names, loose, unknown_name
from derive.expressions import parse_expression

LONGEST = 10_000
MOST_BLOCKS = 10_000

WORDS: dict[str, type[Block]] = {
    block.word: block
    for block in (
        Dense,
        Convolution,
        AveragePool,
        Flatten,
        Dropout,
        Scale,
        LayerNorm,
        RMSNorm,
        BatchNorm,
        Elementwise,
        Residual,
        SumOf,
        Concatenate,
        Serial,
        Repeat,
    )
}
"""Every block that a text can name, by its word."""

# As other libraries call them; case and signs between words do not matter.
_ELSEWHERE = {
    **dict.fromkeys(("linear", "fullyconnected", "fc"), "dense(units)"),
    **dict.fromkeys(("convolution", "conv1d", "conv2d"), "conv(channels, kernel=3)"),
    **dict.fromkeys(("avgpool", "avgpool1d", "avgpool2d", "averagepooling2d", "pool"), "average-pool(window)"),
    **dict.fromkeys(("globalaveragepooling2d", "globalaveragepool"), "average-pool"),
    **dict.fromkeys(("batchnorm1d", "batchnorm2d", "batchnormalization", "bn"), "batchnorm(batch=B)"),
    **dict.fromkeys(("layernormalization", "ln"), "layernorm"),
    "rmsnormalization": "rmsnorm",
    "sequential": "serial(...)",
    "add": "sum(...)",
    "concat": "concatenate(...)",
    "cat": "concatenate(...)",
}
_NAME = re.compile(r"\s*((?:[A-Za-z]\w*\.)*[A-Za-z][\w-]*)\s*", re.ASCII)
_KEYWORD = re.compile(r"\s*([A-Za-z]\w*)\s*=(?!=)", re.ASCII)


def read(text: str, *, defaults: Mapping[str, Any] | None = None, what: str = "layers") -> Block:
    """Return the block that a text describes: of several, one after the other, their `Serial`.

    Args:
        text: the blocks, in the language of this module.
        defaults: values for parameters, such as ``gain``, of all blocks that have them and do not say their own.
        what: what the text is called in an error.

    Raises:
        InputError: with the rule, the column and a line that points at it.

    >>> str(read("dense(8), relu, repeat(2, residual(dense(8), scale=1/4))"))
    'serial(dense(8), relu, repeat(2, residual(dense(8), scale=0.25)))'
    >>> read("dense(8), drop(0.1)")
    Traceback (most recent call last):
        ...
    derive.errors.InputError: layers: unknown block or activation 'drop'; did you mean dropout?, at column 11
      dense(8), drop(0.1)
                ^

    """
    if not isinstance(text, str):
        raise InputError(f"{what} must be a text, got {text!r}")
    return _Reader(" ".join(text.split("\n")), dict(defaults or {}), what).read()


def read_sizes(text: str) -> tuple[int, ...]:
    """Return the sizes of an input: units, or channels and one or two axes of positions.

    >>> read_sizes("3x32x32")
    (3, 32, 32)
    """
    parts = [part.strip() for part in re.split("[x×]", text)]
    if not all(re.fullmatch(r"\d{1,9}", part, re.ASCII) and int(part) for part in parts) or len(parts) > 3:
        raise InputError(f"input must be a size such as 64, 3x32 or 3x32x32, got {text!r}")
    return tuple(map(int, parts))


def count(block: Block) -> int:
    """Return the number of blocks, once repeats are written out."""
    inside = sum(map(count, block.inside))
    return block.times * inside if isinstance(block, Repeat) else 1 + inside


class _Reader(Scanner):
    def __init__(self, text: str, defaults: dict[str, Any], what: str) -> None:
        super().__init__(text, what)
        self.defaults = defaults

    def read(self) -> Block:
        if not self.text.strip():
            raise InputError(f"{self.what} must not be empty")
        if len(self.text) > LONGEST:
            raise InputError(f"{self.what} must have at most {LONGEST} characters, got {len(self.text)}")
        self.balanced()
        blocks = [self._block(*part) for part in self.parts(0, len(self.text))]
        whole = blocks[0] if len(blocks) == 1 else Serial(*blocks)
        if count(whole) > MOST_BLOCKS:
            raise InputError(
                f"{self.what} must be at most {MOST_BLOCKS} blocks, repeats written out, got {count(whole)}"
            )
        return whole

    # ---- grammar

    def _block(self, start: int, end: int) -> Block:
        piece = self.text[start:end]
        match = _NAME.match(piece)
        if match is None:
            self.fail(f"a block expected, got {piece!r}", start)
        name, after = match[1], start + match.end()
        inside = (after + 1, end - 1) if after < end else None
        if inside is not None:
            self._rest(name, start, after, end)
        if name == "f":
            return self._function(inside, start)
        kind = {loose(word): block for word, block in WORDS.items()}.get(loose(name))
        if kind is not None:
            return self._made(kind, inside, start)
        if entry_of(name) is None or (inside is not None and loose(name).endswith("linear")):
            self._unknown(name, start)
        return Elementwise(self._activation(piece, start))

    def _rest(self, name: str, start: int, after: int, end: int) -> None:
        """Fail where something else than brackets follows a name, or something follows the brackets."""
        if self.text[after] != "(":
            hint = (
                f" (an expression in x is written f({self.text[start:end]!r}))" if "x" in self.text[start:end] else ""
            )
            self.fail(f"a comma or brackets expected after {name}{hint}", after)
        stop = self.closing(after) + 1
        if stop != end:
            self.fail(f"a comma expected after {self.text[start:stop]}", stop)

    def _unknown(self, name: str, at: int) -> NoReturn:
        last = name.rpartition(".")[2]
        elsewhere = _ELSEWHERE.get(loose(last))
        if elsewhere is not None:
            self.fail(f"unknown block {name!r}; here it is {elsewhere}", at)
        if close_names(name, WORDS):
            self.fail(str(unknown_name("block or activation", name, WORDS)), at)
        try:
            activation(name)
        except InputError as error:
            rule = str(error).replace("unknown activation", "unknown block or activation")
            self.fail(rule.replace("; known: ", f"; blocks: {', '.join(WORDS)}; activations: "), at)
        self.fail(f'a function without a name is written f("{name}(x)")', at)

    def _function(self, inside: tuple[int, int] | None, start: int) -> Block:
        if inside is None:
            return Elementwise()
        (at, end), *more = self.parts(*inside) if self.text[slice(*inside)].strip() else [inside]
        quoted = not more and end - at > 1 and self.text[at] in QUOTES and self.text[end - 1] == self.text[at]
        span = (at + 1, end - 1) if quoted else inside
        if not self.text[slice(*span)].strip():
            self.fail('f takes an expression in x, such as f("x*Phi(x)")', start)
        return Elementwise(self._activation(self.text[slice(*span)], span[0]))

    def _activation(self, text: str, at: int) -> Activation:
        try:
            return activation(text)
        except InputError as error:
            self.again(error, at)

    def _made(self, kind: type[Block], inside: tuple[int, int] | None, start: int) -> Block:
        """Return a block of a class, with the arguments of its text."""
        known = signature(kind).parameters
        places = [p for p in known.values() if p.kind is Parameter.POSITIONAL_OR_KEYWORD]
        takes_blocks = any(p.kind is Parameter.VAR_POSITIONAL for p in known.values())
        named: dict[str, Any] = {}
        blocks: list[Block] = []
        empty = inside is None or not self.text[slice(*inside)].strip()
        for at, end in [] if empty or inside is None else self.parts(*inside):
            keyword = _KEYWORD.match(self.text, at, end)
            if keyword is not None:
                parameter, begin = self._parameter(kind, keyword[1], at), keyword.end()
            elif places and not (takes_blocks and blocks):
                parameter, begin = places[0], at
            elif takes_blocks:
                blocks.append(self._block(at, end))
                continue
            else:
                takes = ", ".join(known) or "nothing"
                self.fail(f"{kind.word} takes {takes}, and {self.text[at:end]!r} is one too many", at)
            if parameter.name in named:
                self.fail(f"{parameter.name} of {kind.word} is given twice", at)
            named[parameter.name] = self._value(kind, parameter, begin, end)
            places = [p for p in places if p.name != parameter.name]
        for parameter in places:
            if parameter.default is Parameter.empty:
                self.fail(f"{kind.word} needs {parameter.name}", start)
        given = {name: value for name, value in self.defaults.items() if name in known} | named
        try:
            first = [given.pop(p.name) for p in known.values() if takes_blocks and p.name in named and _leads(p)]
            return kind(*first, *blocks, **given)
        except InputError as error:
            self.again(error, start)

    def _parameter(self, kind: type[Block], name: str, at: int) -> Parameter:
        known = {p.name: p for p in signature(kind).parameters.values() if p.kind is not Parameter.VAR_POSITIONAL}
        if name not in known:
            self.fail(str(unknown_name(f"parameter of {kind.word}", name, known or ["none"])), at)
        return known[name]

    def _value(self, kind: type[Block], parameter: Parameter, start: int, end: int) -> Any:
        """Return what stands for a parameter, of the type that its class says."""
        piece, rule = self.text[start:end].strip(), str(parameter.annotation)
        at = end - len(self.text[start:end].lstrip())
        what = f"{parameter.name} of {kind.word}"
        if not piece:
            self.fail(f"{what} must be given a value", start - 1)
        unquoted = piece[1:-1] if piece[0] in QUOTES and piece[-1] == piece[0] and len(piece) > 1 else piece
        if "None" in rule and unquoted.lower() == "none":
            return None
        if "Activation" in rule:
            return None if unquoted == "f" else self._activation(unquoted, at)
        if rule == "str":
            if not re.fullmatch(r"[\w'-]+", unquoted, re.ASCII):
                self.fail(f"{what} must be a word, got {piece!r}", at)
            return unquoted
        try:
            value: Expr = parse_expression(piece, {}, what=f"{what} must be a number")
        except InputError as error:
            self.again(error, at)
        return int(value) if value.is_Integer and "Expr" not in rule else value


def _leads(parameter: Parameter) -> bool:
    return parameter.kind is Parameter.POSITIONAL_OR_KEYWORD
