"""An activation of your own: maps in closed form, its critical weights, and a network that agrees with the theory."""

import derive
from numerics import Network, critical, predict, recommended_gains, simulate, verify

mine = derive.activation("x*Phi(2*x)")

print(f"f(x) = {mine}\n")
for name in ("length_map", "chi_perp", "K"):
    print(f"{name} = {derive.Maps(mine).find(name).result}")

point = critical(mine)
print(f"\nclass {point.kind}: chi_perp = chi_par = 1 at sigma_w2 = {point.sigma_w2}, sigma_b2 = {point.sigma_b2}")
for gain in recommended_gains(mine):
    print(f"{gain.name}: gain {gain.gain:.6f}, torch gain {gain.torch_gain:.6f}; {gain.meaning}")

network = Network(depth=4, width=256, gain=point.sigma_w2, bias_variance=point.sigma_b2, activation=mine)
print("\n" + verify(predict(network), simulate(network, seed=0, networks=200)).text())
