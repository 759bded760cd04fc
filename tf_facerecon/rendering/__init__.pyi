from .antialiasing import antialias as antialias, opposite_vertices as opposite_vertices
from .rasterizer import Rasterized as Rasterized, interpolate as interpolate, rasterize as rasterize
