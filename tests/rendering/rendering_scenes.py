"""Meshes of the rendering tests, each `(clip_vertices [V, 4] float32, triangles [T, 3] int32)`.

Coordinates are multiples of 2^-12, so that float32 and the 16 fractional bits of the visibility
hold them exactly.
"""

import numpy as np

NEAR, FAR = 1.0, 20.0


def _grid(values):
    return np.round(np.asarray(values) * 4096) / 4096


def project(points):
    """Clip coordinates of camera-frame points `[..., 3]` (x right, y up, z forward)."""
    x, y, depth = np.moveaxis(_grid(points), -1, 0)
    z = (FAR + NEAR) / (FAR - NEAR) * depth - 2 * FAR * NEAR / (FAR - NEAR)
    return np.stack([2 * x, 2 * y, z, depth], axis=-1).astype(np.float32)


def soup(seed, num_triangles, size, low=(-3, -3, 2), high=(3, 3, 15)):
    """Independent random triangles of about `size` in a box before the camera."""
    rng = np.random.default_rng(seed)
    centre = rng.uniform(low, high, (num_triangles, 1, 3))
    corners = centre + rng.uniform(-size, size, (num_triangles, 3, 3))
    return project(corners.reshape(-1, 3)), np.arange(3 * num_triangles, dtype=np.int32).reshape(
        -1, 3
    )


def quad(half_side):
    """Two triangles over `[-half_side, half_side]` squared at depth 0 without perspective."""
    corners = half_side * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
    clip = np.concatenate([corners, np.zeros((4, 1)), np.ones((4, 1))], axis=-1)
    return clip.astype(np.float32), np.array([[0, 1, 2], [0, 2, 3]], np.int32)


def bumpy_sheet(points_per_side=24):
    """A smooth, closed-form surface that fills most of the image; rows of quads, two triangles."""
    across, down = np.meshgrid(*[np.linspace(-1, 1, points_per_side)] * 2)
    depth = 4 + 0.5 * np.sin(3 * across) * np.cos(2 * down)
    vertices = project(np.stack([1.7 * across, -1.7 * down, depth], axis=-1).reshape(-1, 3))
    index = np.arange(points_per_side**2).reshape(points_per_side, points_per_side)
    quads = (index[:-1, :-1], index[1:, :-1], index[:-1, 1:], index[1:, 1:])
    top_left, bottom_left, top_right, bottom_right = (corner.ravel() for corner in quads)
    upper = np.stack([top_left, bottom_left, top_right], axis=-1)
    lower = np.stack([top_right, bottom_left, bottom_right], axis=-1)
    return vertices, np.concatenate([upper, lower]).astype(np.int32)


def degenerate():
    clip, triangles = soup(6, 30, 1.0)
    clip[0::3] = clip[1::3]
    return clip, triangles


def zero_w():
    clip, triangles = soup(7, 30, 1.0)
    clip[::5, 3] = 0.0
    clip[::5, 2] = -1.0
    return clip, triangles


def not_finite():
    clip, triangles = soup(8, 60, 1.0)
    clip[::17, 0] = np.nan
    clip[5::31, 3] = np.inf
    clip[9::37, 2] = np.nan
    return clip, triangles


def beyond_far():
    return soup(9, 30, 1.0, low=(-3, -3, 22), high=(3, 3, 30))


SCENES = {
    "few_large": lambda: soup(1, 40, 2.0),
    "small": lambda: soup(2, 200, 0.2),
    "sub_pixel": lambda: soup(3, 300, 0.04),
    "huge": lambda: soup(4, 30, 60.0, low=(-1, -1, 5), high=(1, 1, 15)),
    "crossing_near_plane": lambda: soup(5, 60, 3.0, low=(-2, -2, -1), high=(2, 2, 4)),
    "behind_camera": lambda: soup(10, 40, 1.0, low=(-2, -2, -9), high=(2, 2, -2)),
    "off_screen": lambda: soup(11, 40, 1.0, low=(40, -3, 3), high=(50, 3, 9)),
    "beyond_far": beyond_far,
    "degenerate": degenerate,
    "zero_w": zero_w,
    "not_finite": not_finite,
    "sheet": bumpy_sheet,
}
