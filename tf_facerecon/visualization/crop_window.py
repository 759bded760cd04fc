"""The crop's window in the photograph, at any resolution, and drawings laid back on it.

Convention:
    Edges count from 0 at the outer edge of the first pixel, so that pixel i spans [i, i + 1].
"""

import numpy as np

from tf_facerecon.io import image_files
from tf_facerecon.photos.face_alignment import CROP_SIZE, CropTransform

_ROUNDING = 1e-6  # Pixels: an edge between two of them belongs to both.


def window_edges(transform: CropTransform) -> tuple[float, float, float, float]:
    """Left, top, right and bottom edge of the crop in the photograph, pixels; may lie beyond it."""
    scale_x = transform.width / transform.resized_width
    scale_y = transform.height / transform.resized_height
    return (
        transform.left * scale_x,
        transform.top * scale_y,
        (transform.left + CROP_SIZE) * scale_x,
        (transform.top + CROP_SIZE) * scale_y,
    )


def cut(photo: np.ndarray, transform: CropTransform, size: int) -> tuple[np.ndarray, np.ndarray]:
    """The crop's window straight from the photograph, which may hold more detail than 224 pixels.

    Args:
        photo: `[height, width, 3]` uint8.
        transform: Where the crop lies.
        size: Pixels on each side.

    Returns:
        Picture `[size, size, 3]` float32 in [0, 1], black beyond the photograph, and a mask
        `[size, size]` of 0 and 1 that says where the photograph is.
    """
    import PIL.Image

    edges = np.array(window_edges(transform))
    start, per_pixel = edges[:2], (edges[2:] - edges[:2]) / size
    photo_size = np.array(photo.shape[1::-1])
    # Whole pixels of the picture that the photograph fills: a window far beyond it costs nothing.
    first = np.ceil(np.clip(-start / per_pixel, 0, size) - _ROUNDING).astype(int)
    last = np.floor(np.clip((photo_size - start) / per_pixel, 0, size) + _ROUNDING).astype(int)
    pixels, mask = np.zeros((size, size, 3), np.float32), np.zeros((size, size), np.float32)
    if (first < last).all():
        low = np.maximum(start + first * per_pixel, 0)
        high = np.minimum(start + last * per_pixel, photo_size)
        part = PIL.Image.fromarray(photo).resize(
            tuple(last - first), PIL.Image.Resampling.LANCZOS, (*low, *high)
        )
        inside = (slice(first[1], last[1]), slice(first[0], last[0]))
        pixels[inside] = np.asarray(part, np.float32) / 255.0
        mask[inside] = 1.0
    return pixels, mask


def lay_on_photo(
    photo: np.ndarray, transform: CropTransform, drawing: np.ndarray, alpha: np.ndarray
) -> np.ndarray:
    """Lays a drawing of the crop's window on the whole photograph, at the photograph's resolution.

    Args:
        photo: `[height, width, 3]` uint8.
        transform: Where the crop lies.
        drawing: `[N, N, 3]` in [0, 1], already multiplied by `alpha`.
        alpha: `[N, N]` in [0, 1].

    Returns:
        `[height, width, 3]` uint8.
    """
    left, top, right, bottom = window_edges(transform)
    columns = slice(max(0, int(np.ceil(left))), min(transform.width, int(np.floor(right))))
    rows = slice(max(0, int(np.ceil(top))), min(transform.height, int(np.floor(bottom))))
    result = photo.copy()
    if columns.start >= columns.stop or rows.start >= rows.stop:
        return result
    per_column = drawing.shape[1] / (right - left)
    per_row = drawing.shape[0] / (bottom - top)
    box = (
        (columns.start - left) * per_column,
        (rows.start - top) * per_row,
        (columns.stop - left) * per_column,
        (rows.stop - top) * per_row,
    )
    size = (columns.stop - columns.start, rows.stop - rows.start)
    layer = resize(np.concatenate([drawing, alpha[..., None]], axis=-1), size, box)
    behind = photo[rows, columns] / 255.0
    mixed = layer[..., :3] + (1.0 - layer[..., 3:]) * behind
    result[rows, columns] = image_files.to_uint8(mixed)
    return result


def resize(image: np.ndarray, size: tuple[int, int], box: tuple | None = None) -> np.ndarray:
    """Resizes `[H, W, C]` floats, or their `box`, to `(width, height)`, averaging as it shrinks."""
    import PIL.Image

    channels = [
        PIL.Image.fromarray(np.ascontiguousarray(image[..., c], np.float32)).resize(
            size, PIL.Image.Resampling.BILINEAR, box
        )
        for c in range(image.shape[-1])
    ]
    return np.stack([np.asarray(channel) for channel in channels], axis=-1)
