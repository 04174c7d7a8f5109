r"""Equations as people write them: read, and decided.

`read` turns LaTeX or text into the objects of the derivation language; `audit` holds what it says against what is
derived, and tries it in tiny worlds; `audit_constant` does so with a number.

>>> audit(r"Var[z^i] = Var[x] \prod_{i'=0}^{i-1} n_{i'} Var[W^{i'}]").verdict
'holds'
"""

from __future__ import annotations

from derive.equations.answer import EquationAudit as EquationAudit
from derive.equations.answer import audit as audit
from derive.equations.constants import audit_constant as audit_constant
from derive.equations.equation_reading import read as read
