"""Arrays: networks, curves, kernels, simulation and verification, generated from `derive`."""
