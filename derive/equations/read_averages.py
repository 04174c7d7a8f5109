"""Means, variances and covariances, those over Gaussians, and derivatives."""

from __future__ import annotations

from sympy import Derivative as SympyDerivative
from sympy import Expr, Symbol

from derive.averages import Average, Covariance, Variance
from derive.cost import CostFunction, Partial
from derive.equations import tree
from derive.equations.left_out import IN, OUT, ROW, left_out, shared
from derive.equations.lexer import located
from derive.equations.part_reader import PartReader
from derive.errors import unknown_name
from derive.gaussian.expectation import GaussianExpectation
from derive.randomness import Entry, Over

_MEANS = {"E": Average, "⟪": Average, "⟨": Average, "Var": Variance, "Cov": Covariance}


class Means(PartReader):
    """Reads averages and derivatives."""

    def _mean(self, node: tree.Mean) -> Expr:
        if node.laws:
            return self._gaussian(node, node.laws[0])
        kind = _MEANS[node.sign]
        wanted = 2 if node.sign == "Cov" else 1
        if len(node.inside) != wanted:
            self.fail(f"{node.sign} takes {wanted} argument{'s' * (wanted > 1)}, got {len(node.inside)}", node)
        inside = [self._value(e) for e in node.inside]
        if node.sign == "Var" and node.label is None and (common := shared(inside[0])) is not None:
            return common
        return kind(*map(self._closed_alone, inside), self._over(node))

    def _over(self, node: tree.Mean) -> Over:
        if node.label is not None:
            if node.label not in self.names.overs:
                known = sorted(self.names.overs)
                raise located(self.text, str(unknown_name("average", node.label, known)), node.at, self.what)
            return self.names.overs[node.label]
        if node.sign not in self.names.defaults:
            self.fail(f"nothing says what {node.sign} is over", node)
        return self.names.defaults[node.sign]

    def _gaussian(self, node: tree.Mean, law: tree.Law) -> Expr:
        if node.sign != "E" or len(node.inside) != 1:
            self.fail("E of one quantity expected before the law of a Gaussian", node)
        if law.kind != "N" or law.within is not None or len(node.laws) > 1:
            self.fail("one Gaussian law N(mean, variance) expected", law)
        variables: dict[tuple[str, int], Symbol] = {}
        symbols = []
        for variable in law.variables:
            symbols.append(self._variable(variable))
            if isinstance(variable, tree.Name):
                variables[variable.word, variable.primes] = symbols[-1]
        size = len(symbols)
        mean = [e for row in self._rows(law.parameters[0], size, column=True) for e in row]
        covariance = self._rows(law.parameters[1], size)
        self._bound.append(variables)
        try:
            inside = self._value(node.inside[0])
        finally:
            self._bound.pop()
        return GaussianExpectation.of(inside, symbols, mean, covariance)

    def _rows(self, node: tree.Node, size: int, *, column: bool = False) -> list[list[Expr]]:
        if isinstance(node, tree.Product) and len(node.factors) == 1 and not node.factors[0].inverted:
            node = node.factors[0].node
        if not isinstance(node, tree.Table):
            value = self._value(node)
            if size > 1 and not (column and value == 0):
                self.fail(f"a matrix for {size} variables expected", node)
            return [[value] for _ in range(size)] if column else [[value]]
        rows = [[self._value(e) for e in row] for row in node.rows]
        wide = 1 if column else size
        if len(rows) != size or any(len(row) != wide for row in rows):
            self.fail(f"a law of {size} variables expected", node)
        return rows

    def _derivative(self, node: tree.Derivative) -> Expr:
        variable, target = self._value(node.variable), self._value(node.target)
        if isinstance(variable, Symbol) and variable not in (OUT, IN):
            if isinstance(target, CostFunction):
                self.fail("the cost is differentiated by scalars of the network", node)
            if isinstance(target, SympyDerivative):
                return SympyDerivative(target.expr, *target.variables, variable)
            return SympyDerivative(target, variable)
        if not isinstance(variable, Entry):
            self.fail("what is differentiated by must be a scalar of the network", node)
        if isinstance(target, CostFunction) and target.is_output(variable) and self.names.gradient_drawn:
            return target.gradient(*variable.units)
        if isinstance(target, Entry):
            if len(left_out(variable)) == 2:
                target = target.xreplace({OUT: ROW})
            elif left_out(target):
                # The rows of such a matrix are what it is differentiated by.
                variable = variable.xreplace({OUT: IN})
        return Partial(target, variable)
