"""What depends on what: computed from the definitions of families, and never typed.

`reach` gives the drawn scalars that an expression depends on. `uses` reads one definition, `ranges` follows definitions
down to what is drawn, `grounds` refuses those that lead nowhere, `backflow` does the same for gradients, `frontier`
finds the layers that a chain rule goes through.
"""

from derive.dependence.backflow import reach as reach
from derive.dependence.scalars import Reach as Reach
