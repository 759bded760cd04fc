from .lambertian_shading import shade as shade
from .spherical_harmonics import band_values as band_values, basis as basis
