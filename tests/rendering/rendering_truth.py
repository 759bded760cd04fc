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
    x, y = np.meshgrid(*pixel_coordinates(image_size))
    rays = np.stack([x, y, np.ones_like(x)]).reshape(3, -1)
    depths = np.full((len(triangles), rays.shape[1]), np.inf)
    for index, corners in enumerate(np.asarray(clip_vertices, np.float64)[np.asarray(triangles)]):
        system = corners[:, [0, 1, 3]].T
        if not np.isfinite(corners).all() or abs(np.linalg.det(system)) < 1e-12:
            continue
        weights = np.linalg.solve(system, rays)  # Divided by the depth w at the pixel.
        with np.errstate(divide="ignore", invalid="ignore"):
            barycentrics = weights / np.sum(weights, axis=0)
            depth = (corners[:, 2] @ weights) / (corners[:, 3] @ weights)
        # `weights` solve for a positive depth: negative ones are the part behind the camera.
        inside = (weights.sum(axis=0) > 0) & (barycentrics >= -tolerance).all(axis=0)
        inside &= (depth >= -1 - tolerance) & (depth <= 1 + tolerance)
        depths[index, inside] = depth[inside]
    return depths.reshape(-1, *image_size)


def assert_covered(triangle_ids, clip_vertices, triangles, image_size, tolerance=1e-5):
    """Each pixel shows the nearest triangle; within `tolerance` of an edge or a tie, either."""
    strict = cover_all(clip_vertices, triangles, image_size, tolerance=-tolerance)
    lenient = cover_all(clip_vertices, triangles, image_size, tolerance=tolerance)
    for row, column in np.ndindex(*image_size):
        chosen = triangle_ids[row, column]
        where = f"pixel {(row, column)}, triangle {chosen}"
        nearest = strict[:, row, column].min(initial=np.inf)
        if chosen < 0:
            assert not np.isfinite(nearest), where
        else:
            depth = lenient[chosen, row, column]
            assert np.isfinite(depth) and depth <= nearest + tolerance, where


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
