"""Float64 truth for the rendering tests, by another road than the library: solved 3 x 3 systems."""

import numpy as np


def pixel_coordinates(image_size):
    """Normalized device coordinates of pixel centres, row 0 on top: x `[W]`, y `[H]`."""
    height, width = image_size
    x = 2 * (np.arange(width) + 0.5) / width - 1
    y = 1 - 2 * (np.arange(height) + 0.5) / height
    return x, y


def cover_all(clip_vertices, triangles, image_size, tolerance=0.0):
    """Depth `z / w` `[T, H, W]` of one mesh `[V, 4]` at every pixel it covers, else infinity.

    With `[x y w]^T b = (px, py, 1)` (up to scale) a point is inside if no `b` is negative.
    """
    return _cover_all(clip_vertices, triangles, image_size, (tolerance,))[0]


def _cover_all(clip_vertices, triangles, image_size, tolerances):
    """`cover_all` for each of `tolerances`: `[len(tolerances), T, H, W]`."""
    x, y = np.meshgrid(*pixel_coordinates(image_size))
    rays = np.stack([x, y, np.ones_like(x)]).reshape(3, -1)
    depths = np.full((len(tolerances), len(triangles), rays.shape[1]), np.inf)
    for index, corners in enumerate(np.asarray(clip_vertices, np.float64)[np.asarray(triangles)]):
        system = corners[:, [0, 1, 3]].T
        if not np.isfinite(corners).all() or abs(np.linalg.det(system)) < 1e-12:
            continue
        near = np.flatnonzero(_may_cover(corners, rays))
        weights = np.linalg.solve(system, rays[:, near])  # Divided by the depth w at the pixel.
        with np.errstate(divide="ignore", invalid="ignore"):
            barycentrics = weights / np.sum(weights, axis=0)
            depth = (corners[:, 2] @ weights) / (corners[:, 3] @ weights)
        # `weights` solve for a positive depth: negative ones are the part behind the camera.
        in_front = weights.sum(axis=0) > 0
        for tolerance, covered in zip(tolerances, depths[:, index], strict=True):
            inside = in_front & (barycentrics >= -tolerance).all(axis=0)
            inside &= (depth >= -1 - tolerance) & (depth <= 1 + tolerance)
            covered[near[inside]] = depth[inside]
    return depths.reshape(*depths.shape[:2], *image_size)


def _may_cover(corners, rays):
    """Pixels in the box around a triangle, its size again on each side; all if it has none."""
    if (corners[:, 3] <= 0).any():
        return np.ones(rays.shape[1], bool)
    projected = corners[:, :2] / corners[:, 3:]
    low, high = projected.min(axis=0), projected.max(axis=0)
    inside = (rays[:2].T >= 2 * low - high) & (rays[:2].T <= 2 * high - low)
    return inside.all(axis=-1)


def assert_covered(triangle_ids, clip_vertices, triangles, image_size, tolerance=1e-5):
    """Each pixel shows the nearest triangle; within `tolerance` of an edge or a tie, either."""
    tolerances = (-tolerance, tolerance)
    strict, lenient = _cover_all(clip_vertices, triangles, image_size, tolerances)
    nearest = strict.min(axis=0, initial=np.inf)
    chosen = np.take_along_axis(lenient, np.maximum(triangle_ids, 0)[np.newaxis], axis=0)[0]
    right = np.where(
        triangle_ids < 0,
        ~np.isfinite(nearest),
        np.isfinite(chosen) & (chosen <= nearest + tolerance),
    )
    wrong = [(pixel, triangle_ids[tuple(pixel)]) for pixel in np.argwhere(~right)]
    assert right.all(), f"(pixel, triangle): {wrong[:5]}"


def barycentrics(clip_vertices, triangles, triangle_ids):
    """Perspective-correct barycentrics `[H, W, 3]` of one mesh; 0 in the background."""
    image_size = triangle_ids.shape
    x, y = pixel_coordinates(image_size)
    result = np.zeros((*image_size, 3))
    for row, column in np.argwhere(triangle_ids >= 0):
        corners = np.asarray(clip_vertices, np.float64)[triangles[triangle_ids[row, column]]]
        weights = np.linalg.solve(corners[:, [0, 1, 3]].T, [x[column], y[row], 1.0])
        result[row, column] = weights / weights.sum()
    return result
