"""The NumPy source of an expression with layered quantities, written by walking the expression."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from textwrap import indent

from sympy import Basic, Expr, Integral, Mul, Pow, Product, Sum, Symbol, cse, numbered_symbols, sympify
from sympy.core.relational import Relational
from sympy.logic.boolalg import Boolean

from derive.errors import InputError
from derive.layers import d
from derive.network import Activation, ActivationSlope, Partial
from derive.randomness import Entry
from numerics.kernels.layered_quantities import Quantity, layer_of, parameter, quantity_of
from numerics.programs.printers import NUMPY, UnsupportedExpressionError


def write(name: str, expression: Basic) -> tuple[str, tuple[Symbol, ...], tuple[Quantity, ...]]:
    """Return NumPy source that evaluates an expression, and its arguments: symbols for layers, then quantities.

    Raises `InputError` for what cannot be evaluated.
    """
    expression = sympify(expression)
    if isinstance(expression, Relational | Boolean) and not isinstance(expression, Symbol):
        raise InputError(f"a kernel needs an expression with a value, got the condition {expression}")
    writer = _Writer(expression)
    result = writer.value(expression)
    arguments = [*(s.name for s in writer.layers), *(q.name for q in writer.quantities)]
    repeated = {a for a in arguments if arguments.count(a) > 1}
    if repeated:
        raise InputError(f"a kernel's arguments need different names, got {', '.join(sorted(repeated))} twice")
    body = "\n".join([*writer.lines, f"return {result}"])
    code = f"def {name}({', '.join(arguments)}):\n{indent(body, '    ')}\n"
    return code, writer.layers, writer.quantities


@dataclass
class _Writer:
    """Walks an expression: quantities become look-ups at layers, products over layers become calls."""

    expression: Expr
    lines: list[str] = field(default_factory=list)
    layers: tuple[Symbol, ...] = ()
    quantities: tuple[Quantity, ...] = ()
    _names: dict[Basic, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        bound = {index for p in self.expression.atoms(Product) for index, *_ in p.limits}
        found: dict[str, Quantity] = {}
        layers: set[Symbol] = set()
        for node in _leaves(self.expression):
            if isinstance(node, _NO_VALUE):
                raise InputError(f"a kernel cannot evaluate {node}, in {self.expression}")
            if (quantity := quantity_of(node)) is not None:
                found[quantity.name] = quantity
                layers |= (layer_of(node) or sympify(0)).free_symbols
            elif isinstance(node, Product):
                layers |= {s for limit in node.limits for bound_ in limit[1:] for s in bound_.free_symbols}
        layers -= bound
        self.layers = tuple(sorted(layers, key=lambda symbol: (symbol == d, symbol.name)))
        for symbol in _free(self.expression) - layers - bound:
            made = parameter(symbol)
            if made.name in found:
                raise InputError(f"a kernel's arguments need different names, got {made.name} twice")
            found[made.name] = made
        divisors = _divisors(self.expression)
        named = (replace(q, sign="positive") if q.name in divisors else q for q in found.values())
        # Widths first, then what has layers, then numbers.
        self.quantities = tuple(sorted(named, key=lambda q: (q.name != "n", not q.layered, q.name)))

    def value(self, expression: Expr) -> str:
        """Return code for an expression in which the layer symbols are arrays of layers."""
        flat = self._flat(expression, None)
        taken = {*self._names.values(), *(q.name for q in self.quantities), *(s.name for s in self.layers)}
        fresh = (s for s in numbered_symbols("t") if s.name not in taken)
        common, (reduced,) = cse([flat], symbols=fresh)
        for symbol, shared in common:
            self.lines.append(f"{symbol.name} = {_print(shared)}")
        return _print(reduced)

    def _flat(self, node: Expr, index: Symbol | None) -> Expr:
        """Return the expression with quantities and products replaced by symbols that the code assigns."""
        if quantity_of(node) is not None or (isinstance(node, Symbol) and self._parameter(node)):
            return self._look_up(node, index)
        if any(_scaled(factor) for factor in Mul.make_args(node)):
            return self._product(node, index)
        if not node.args:
            return node
        return node.func(*(self._flat(a, index) for a in node.args))

    def _parameter(self, symbol: Symbol) -> bool:
        return symbol not in self.layers and any(q.name == symbol.name for q in self.quantities)

    def _look_up(self, node: Expr, index: Symbol | None) -> Symbol:
        quantity = quantity_of(node) or parameter(node)
        layer = layer_of(node)
        if layer is not None:
            if index is not None and layer.free_symbols - {index}:
                raise InputError(f"a kernel cannot evaluate {node} inside a product over {index}")
            code = f'at({quantity.name}, {_print(self._named(layer, index))}, "{quantity.name}")'
        elif index is not None:
            code = f"{quantity.name}[..., None]"
        elif self.layers:
            code = f"beside({quantity.name}, {self.layers[0].name})"
        else:
            return Symbol(quantity.name, real=True)
        return self._assign(code, quantity.name)

    def _product(self, node: Expr, outer: Symbol | None) -> Symbol:
        if outer is not None:
            raise InputError(f"a kernel cannot evaluate a product inside a product, got {node}")
        parts = []
        plain = []
        for factor in Mul.make_args(node):
            if _scaled(factor):
                base, power = factor.as_base_exp()
                made = self._range(base)
                parts.append(made if power == 1 else f"{made}**{int(power)}")
            else:
                plain.append(factor)
        if plain:
            parts += [_print(self._flat(factor, None)) for factor in plain]
        return self._assign(f"times({', '.join(parts)})", "value")

    def _range(self, node: Product) -> str:
        if len(node.limits) != 1:
            raise InputError(f"a kernel takes products over one range of layers, got {node}")
        index, first, last = node.limits[0]
        low, high = _print(first), _print(last)
        layers = self._assign(f"layer_range({low}, {high})", "layers").name
        self._names[index] = layers
        factors = []
        for factor in Mul.make_args(node.function):
            flat = self._flat(factor, index)
            if layer_indices := flat.free_symbols & set(self.layers):
                raise InputError(f"a kernel cannot evaluate {layer_indices} inside a product over {index}")
            code = _print(self._named(flat, index))
            factors.append(code)
        listed = ", ".join(factors)
        return self._assign(f"layer_product([{listed}], {layers}, {low}, {high})", "product").name

    def _named(self, expression: Expr, index: Symbol | None) -> Expr:
        return expression if index is None else expression.xreplace({index: Symbol(self._names[index])})

    def _assign(self, code: str, stem: str) -> Symbol:
        """Return a variable that holds the value of the code, the same one for the same code."""
        key = Symbol(code)
        if key not in self._names:
            number = 1 + len({name for name in self._names.values() if name.startswith(f"{stem}_")})
            self._names[key] = f"{stem}_{number}"
            self.lines.append(f"{self._names[key]} = {code}")
        return Symbol(self._names[key], real=True)


# Random scalars have a value only inside an average; sums and integrals have no closed form to evaluate.
_NO_VALUE = (Entry, Partial, Activation, ActivationSlope, Sum, Integral)


def _scaled(node: Basic) -> bool:
    """Return True for a product over layers, or an integer power of one."""
    if isinstance(node, Pow) and node.exp.is_Integer:
        return isinstance(node.base, Product)
    return isinstance(node, Product)


def _leaves(node: Basic) -> Iterable[Basic]:
    """Yield all nodes of an expression, without entering quantities."""
    yield node
    if quantity_of(node) is None:
        for arg in node.args:
            yield from _leaves(arg)


def _free(node: Basic) -> set[Symbol]:
    return {leaf for leaf in _leaves(node) if isinstance(leaf, Symbol)}


def _divisors(expression: Basic) -> set[str]:
    """Return the names of the quantities that stand in a denominator."""
    found = set()
    for node in _leaves(expression):
        if isinstance(node, Pow) and node.exp.could_extract_minus_sign():
            quantities = (quantity_of(leaf) for leaf in _leaves(node.base))
            found |= {q.name for q in quantities if q is not None}
    return found


def _print(expression: Expr) -> str:
    try:
        return str(NUMPY.doprint(expression))
    except UnsupportedExpressionError:
        raise InputError(f"a kernel cannot evaluate {expression}") from None
