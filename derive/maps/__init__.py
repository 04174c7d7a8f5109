"""The maps of mean-field theory for any activation, in closed form where there is one."""

from derive.maps.maps import MAPS, Maps
from derive.maps.symbols import c, fan_in, fan_out, m, q, q_1, q_2, rho, sigma_b2, sigma_w2, v

__all__ = ["MAPS", "Maps", "c", "fan_in", "fan_out", "m", "q", "q_1", "q_2", "rho", "sigma_b2", "sigma_w2", "v"]
