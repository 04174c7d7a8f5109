"""Maps of any activation as NumPy functions: closed forms, or fixed rules, each with a certificate."""

from numerics.kernels.map_kernels.certificate import MapAccuracy, MapCertificate
from numerics.kernels.map_kernels.kernel import DOMAIN, MapKernel, map_kernel

__all__ = ["DOMAIN", "MapAccuracy", "MapCertificate", "MapKernel", "map_kernel"]
