"""Scan conversion of one mesh with NumPy, for figures and textures.

Beside `rasterizer`, which serves training: that one is differentiable and renders batches, takes
seconds to compile for each size, and tests many pixels in vain if triangles are larger than a few
pixels. Here all triangles are cut into spans, the pixels of one row, and all spans are filled at
once, with nothing to compile.

Convention: pixel centres, depth and order of rows are those of `visibility`. Screen coordinates are
rounded to 1/1024 pixel, and compared as integers, exactly: of two triangles that share an edge at
least one holds each pixel centre on it.
"""

import dataclasses
import functools

import numpy as np

from tf_facerecon.core import checks
from tf_facerecon.rendering import screen_triangles

_UNIT = 1024  # Screen coordinates per pixel.
_HALF = _UNIT // 2
_MAX_COORDINATE = 2**28  # Products of two differences stay below 2**63.
_DEPTH_SCALE = 2.0**30
_ID_BITS = 0xFFFFFFFF
_EMPTY_KEY = np.iinfo(np.int64).max
_BLOCK_PIXELS = 2**22  # Of bounding boxes; bounds the memory, whatever the mesh.


@dataclasses.dataclass(frozen=True, eq=False)
class Fragments:
    """The N pixels of an image that a mesh of V vertices covers.

    Attributes:
        image_size: `(height, width)`.
        pixels: `[N]` int64, ascending: row · width + column.
        triangle_ids: `[N]` int32, nearest triangle.
        corners: `[N, 3]` int32, its vertices.
        weights: `[N, 3]` float32, perspective-correct barycentric coordinates; sum 1.
        num_vertices: V.
    """

    image_size: tuple[int, int]
    pixels: np.ndarray
    triangle_ids: np.ndarray
    corners: np.ndarray
    weights: np.ndarray
    num_vertices: int

    def interpolate(self, attributes: np.ndarray) -> np.ndarray:
        """Attributes `[V, C]` of the vertices at the covered pixels: `[N, C]` float32."""
        checks.check_shape("attributes", attributes, (self.num_vertices, None))
        return self._matrix @ np.asarray(attributes, np.float32)

    def with_corners(self, triangles: np.ndarray, num_vertices: int) -> "Fragments":
        """The same pixels, to interpolate other attributes such as texture coordinates.

        Args:
            triangles: Integer `[T, 3]`, rows of those attributes at the corners of the triangles.
            num_vertices: How many rows there are.
        """
        triangles = screen_triangles.checked_triangles(triangles, num_vertices)
        corners = triangles[self.triangle_ids]
        return dataclasses.replace(self, corners=corners, num_vertices=num_vertices)

    def image(self, values: np.ndarray) -> np.ndarray:
        """Image `[height, width, ...]` of `values` `[N, ...]`, 0 where nothing is covered."""
        height, width = self.image_size
        image = np.zeros((height * width, *values.shape[1:]), values.dtype)
        image[self.pixels] = values
        return image.reshape(height, width, *values.shape[1:])

    @property
    def mask(self) -> np.ndarray:
        """`[height, width]` float32, 1 where the mesh is, else 0."""
        return self.image(np.ones(len(self.pixels), np.float32))

    @functools.cached_property
    def _matrix(self):
        """Sparse `[N, V]`, a row of weights per pixel."""
        import scipy.sparse

        ends = np.arange(0, 3 * len(self.pixels) + 1, 3, dtype=np.int32)
        return scipy.sparse.csr_array(
            (self.weights.reshape(-1), self.corners.reshape(-1), ends),
            shape=(len(self.pixels), self.num_vertices),
        )


def scan_convert(
    clip_vertices: np.ndarray, triangles: np.ndarray, image_size: tuple[int, int]
) -> Fragments:
    """Finds the nearest triangle at each pixel centre, and where in it the centre lies.

    Pixel centres on an edge count as inside. Of equal depths the lowest index wins. Triangles with
    a vertex that is not finite, lies before the near plane, or far outside the image (200,000
    pixels) are left out: figures show whole meshes.

    Args:
        clip_vertices: `[V, 4]`, OpenGL clip coordinates.
        triangles: Integer `[T, 3]`, vertex indices, either winding.
        image_size: `(height, width)` in pixels.

    Raises:
        ValueError: If a shape is not as stated, or an index is out of range.
    """
    checks.check_shape("clip_vertices", clip_vertices, (None, 4))
    triangles = screen_triangles.checked_triangles(triangles, len(clip_vertices))
    height, width = (int(side) for side in image_size)
    if height < 1 or width < 1:
        raise ValueError(f"`image_size` must be positive. Received: {image_size}.")
    screen, depth, inverse_w, drawable = _to_screen(clip_vertices, (height, width))
    keys = np.full(height * width, _EMPTY_KEY)
    for triangle_ids in _blocks(screen, triangles, drawable, (height, width)):
        _lower_keys(keys, screen, depth, triangles, triangle_ids, (height, width))
    pixels = np.flatnonzero(keys != _EMPTY_KEY)
    triangle_ids = (keys[pixels] & _ID_BITS).astype(np.int32)
    corners = triangles[triangle_ids]
    weights = _barycentric_weights(screen, inverse_w, corners, pixels, width)
    return Fragments((height, width), pixels, triangle_ids, corners, weights, len(clip_vertices))


def _to_screen(clip_vertices, image_size):
    """Integer columns and rows `[V, 2]`, depth `z / w`, `1 / w`, and which can be drawn `[V]`."""
    height, width = image_size
    x, y, z, w = np.asarray(clip_vertices, np.float64).T
    drawable = np.isfinite(clip_vertices).all(axis=1)
    drawable &= (w > 0.0) & (z >= -w)
    inverse_w = 1.0 / np.where(drawable, w, 1.0)
    with np.errstate(invalid="ignore", over="ignore"):
        position = np.stack([(1.0 + x * inverse_w) * width, (1.0 - y * inverse_w) * height], axis=1)
        screen = np.round(position * _HALF)
        drawable &= (np.abs(screen) < _MAX_COORDINATE).all(axis=1)
        depth = z * inverse_w
    screen = np.where(drawable[:, np.newaxis], screen, 0.0).astype(np.int64)
    return screen, depth, inverse_w, drawable


def _blocks(screen, triangles, drawable, image_size):
    """Lists the triangles that may hold a pixel centre, in blocks of bounded work: int64 arrays."""
    corners = screen[triangles]
    area = drawable[triangles].all(axis=1).astype(np.int64)
    for axis, size in enumerate(image_size[::-1]):
        first = np.maximum(_first_centre(corners[..., axis].min(axis=1)), 0)
        last = np.minimum(_last_centre(corners[..., axis].max(axis=1)), size - 1)
        area *= np.maximum(last - first + 1, 0)
    triangle_ids = np.flatnonzero(area)
    block = np.cumsum(area[triangle_ids]) // _BLOCK_PIXELS
    return np.split(triangle_ids, np.flatnonzero(np.diff(block)) + 1)


def _lower_keys(keys, screen, depth, triangles, triangle_ids, image_size):
    """Lowers flat image `keys` by those of some triangles: depth in the high bits, then the index.

    Args:
        keys: `[H * W]` int64.
        screen: Of `_to_screen`.
        depth: Of `_to_screen`.
        triangles: `[T, 3]`.
        triangle_ids: Those to draw.
        image_size: `(height, width)`.
    """
    height, width = image_size
    corners = triangles[triangle_ids]
    x, y = (np.ascontiguousarray(screen[corners, axis].T) for axis in range(2))
    z = depth[corners].T
    area = (x[1] - x[0]) * (y[2] - y[0]) - (x[2] - x[0]) * (y[1] - y[0])
    # Depth is an affine function of the position on the screen.
    divisor = np.where(area == 0, 1, area)
    along_x = ((z[1] - z[0]) * (y[2] - y[0]) - (z[2] - z[0]) * (y[1] - y[0])) / divisor
    along_y = ((z[2] - z[0]) * (x[1] - x[0]) - (z[1] - z[0]) * (x[2] - x[0])) / divisor
    first_row = np.maximum(_first_centre(y.min(axis=0)), 0)
    last_row = np.minimum(_last_centre(y.max(axis=0)), height - 1)
    num_rows = np.where(area == 0, 0, np.maximum(last_row - first_row + 1, 0))
    owner, step = _expand(num_rows)
    row = first_row[owner] + step
    centre = row * _UNIT + _HALF
    # With positive area, all edges have the inside on the same side.
    clockwise = area < 0
    x_turned, y_turned = (np.where(clockwise, c[[0, 2, 1]], c) for c in (x, y))
    first, last = _spans(x_turned, y_turned, owner, centre, width)
    span_z = z[0][owner] + along_y[owner] * (centre - y[0][owner])
    span_z += along_x[owner] * (first * _UNIT + _HALF - x[0][owner])
    span, step = _expand(np.maximum(last - first + 1, 0))
    pixels = (row * width + first)[span] + step
    pixel_z = span_z[span] + (along_x[owner] * _UNIT)[span] * step
    pixel_keys = ((np.minimum(pixel_z, 1.0) + 1.0) * _DEPTH_SCALE).astype(np.int64) << 32
    pixel_keys |= triangle_ids[owner][span]
    np.minimum.at(keys, pixels, np.where(pixel_z > 1.0, _EMPTY_KEY, pixel_keys))


def _spans(x, y, owner, centre, width):
    """First and last column `[S]` of triangles in image rows; the last is smaller in empty ones.

    Args:
        x: `[3, T]`, corners of triangles with positive area.
        y: `[3, T]`.
        owner: `[S]` triangle of each span.
        centre: `[S]`, y of the centres of its row.
        width: Columns of the image.
    """
    first, last = np.zeros(len(owner), np.int64), np.full(len(owner), width - 1)
    for k in range(3):
        across, down = x[k - 2] - x[k], y[k - 2] - y[k]
        # Inside: down * (column - x) <= across * (centre - y); the sign of `down` tells whether
        # the edge is the right or the left border.
        bound = across[owner] * (centre - y[k][owner])
        bound //= np.where(down == 0, 1, np.abs(down))[owner]
        bound += (np.sign(down) * (x[k] - _HALF))[owner]
        column = bound // _UNIT
        is_right, is_left, is_level = ((down > 0)[owner], (down < 0)[owner], (down == 0)[owner])
        np.minimum(last, column, out=last, where=is_right)
        np.maximum(first, -column, out=first, where=is_left)
        last[is_level & (bound < 0)] = -1
    return first, last


def _first_centre(coordinate):
    """Index of the first pixel whose centre is not before an integer coordinate."""
    return -((_HALF - coordinate) // _UNIT)


def _last_centre(coordinate):
    """Index of the last pixel whose centre is not behind an integer coordinate."""
    return (coordinate - _HALF) // _UNIT


def _expand(counts):
    """The owner of each of `sum(counts)` items, and the item's number within its owner."""
    owner = np.repeat(np.arange(len(counts)), counts)
    starts = np.cumsum(counts) - counts
    return owner, np.arange(len(owner)) - starts[owner]


def _barycentric_weights(screen, inverse_w, corners, pixels, width):
    """Perspective-correct weights `[N, 3]` float32 of `corners` `[N, 3]` at pixel centres."""
    row, column = (part.astype(np.int32) for part in np.divmod(pixels, width))
    corner = [np.ascontiguousarray(corners[:, k]) for k in range(3)]
    # Relative to the pixel: small, so that float32 suffices.
    x, y = (
        [(position[index] - centre).astype(np.float32) for index in corner]
        for position, centre in (
            (screen[:, 0].astype(np.int32), column * _UNIT + _HALF),
            (screen[:, 1].astype(np.int32), row * _UNIT + _HALF),
        )
    )
    inverse_w = inverse_w.astype(np.float32)
    weights = np.empty((len(pixels), 3), np.float32)
    for k in range(3):
        edge = x[k - 2] * y[k - 1] - x[k - 1] * y[k - 2]
        weights[:, k] = edge * inverse_w[corner[k]]
    total = weights[:, 0] + weights[:, 1] + weights[:, 2]
    for k in range(3):
        weights[:, k] /= total
    return weights
