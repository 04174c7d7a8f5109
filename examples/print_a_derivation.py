"""Print how the variance of the gradients travels backward, check every step, and write the LaTeX."""

import derive

equation = derive.theorem("backward-variance")
print(equation.text())

check = equation.check()
print(f"\nchecked: {check.grade}" if check else "\n".join(check.failures))

print("\nIn LaTeX:\n")
print(equation.latex())
