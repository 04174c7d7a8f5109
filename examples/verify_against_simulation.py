"""Hold predictions against simulation: a linear network agrees, a tanh network leaves the linear regime."""

from numerics import Network, predict, simulate, verify

WIDTHS = [8, 14, 5, 18, 11, 6]

for network in (
    Network(widths=WIDTHS, gain=1.0, weight_law="uniform"),
    Network(widths=WIDTHS, gain=2.0, activation="tanh"),
):
    simulation = simulate(network, seed=0, networks=2000)
    print(f"{network.activation} units")
    print(verify(predict(network, theory="linear-regime"), simulation).text())
    print()
