"""Resampling of the crop from the full photo at any resolution, and compositing back onto it.

Convention:
    Edge coordinates: 0 is the outer edge of the first pixel, so that pixel i spans [i, i + 1].
"""

import numpy as np

from tf_facerecon.io import image_files
from tf_facerecon.photos.face_alignment import CROP_SIZE, CropTransform

_ROUNDING = 1e-6  # Pixels: tolerance for edges that coincide with a pixel boundary.


def crop_bounds(transform: CropTransform) -> tuple[float, float, float, float]:
    """Left, top, right and bottom edge of the crop in photo pixels; may lie outside the photo."""
    scale_x = transform.width / transform.resized_width
    scale_y = transform.height / transform.resized_height
    return (
        transform.left * scale_x,
        transform.top * scale_y,
        (transform.left + CROP_SIZE) * scale_x,
        (transform.top + CROP_SIZE) * scale_y,
    )


def resample_crop(
    photo: np.ndarray, transform: CropTransform, size: int
) -> tuple[np.ndarray, np.ndarray]:
    """Resamples the crop from the photo, which may hold more detail than the 224-pixel crop.

    Args:
        photo: `[height, width, 3]` uint8.
        transform: Of the crop.
        size: Pixels on each side.

    Returns:
        Image `[size, size, 3]` float32 in [0, 1], black outside the photo, and mask `[size, size]`,
        1 inside the photo, else 0.
    """
    import PIL.Image

    edges = np.array(crop_bounds(transform))
    start, per_pixel = edges[:2], (edges[2:] - edges[:2]) / size
    photo_size = np.array(photo.shape[1::-1])
    # Only the output pixels inside the photo are resampled: a crop far larger than it is cheap.
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


def inside_photo(transform: CropTransform, size: int) -> np.ndarray:
    """Mask `[size, size]` float32 of the crop, 1 where pixel centres lie inside the photo.

    Args:
        transform: Of the crop.
        size: Pixels on each side.
    """
    left, top, right, bottom = crop_bounds(transform)
    centres = (np.arange(size) + 0.5) / size
    columns, rows = left + centres * (right - left), top + centres * (bottom - top)
    inside = ((rows >= 0) & (rows <= transform.height))[:, np.newaxis]
    return (inside & (columns >= 0) & (columns <= transform.width)).astype(np.float32)


def composite_on_photo(
    photo: np.ndarray, transform: CropTransform, rendering: np.ndarray, alpha: np.ndarray
) -> np.ndarray:
    """Composites a rendering of the crop over the whole photo, at the photo's resolution.

    Args:
        photo: `[height, width, 3]` uint8.
        transform: Of the crop.
        rendering: `[N, N, 3]` RGB in [0, 1], premultiplied by `alpha`.
        alpha: `[N, N]` in [0, 1].

    Returns:
        `[height, width, 3]` uint8 RGB.
    """
    left, top, right, bottom = crop_bounds(transform)
    columns = slice(max(0, int(np.ceil(left))), min(transform.width, int(np.floor(right))))
    rows = slice(max(0, int(np.ceil(top))), min(transform.height, int(np.floor(bottom))))
    result = photo.copy()
    if columns.start >= columns.stop or rows.start >= rows.stop:
        return result
    per_column = rendering.shape[1] / (right - left)
    per_row = rendering.shape[0] / (bottom - top)
    box = (
        (columns.start - left) * per_column,
        (rows.start - top) * per_row,
        (columns.stop - left) * per_column,
        (rows.stop - top) * per_row,
    )
    size = (columns.stop - columns.start, rows.stop - rows.start)
    layer = resize(np.concatenate([rendering, alpha[..., None]], axis=-1), size, box)
    background = photo[rows, columns] / 255.0
    composite = layer[..., :3] + (1.0 - layer[..., 3:]) * background
    result[rows, columns] = image_files.to_uint8(composite)
    return result


def resize(image: np.ndarray, size: tuple[int, int], box: tuple | None = None) -> np.ndarray:
    """Resizes a float image `[H, W, C]`, or its `box`, bilinearly with antialiasing.

    Args:
        image: Any number of channels.
        size: `(width, height)` of the output.
        box: Left, top, right and bottom edge of the part to resize; by default all.
    """
    import PIL.Image

    channels = [
        PIL.Image.fromarray(np.ascontiguousarray(image[..., c], np.float32)).resize(
            size, PIL.Image.Resampling.BILINEAR, box
        )
        for c in range(image.shape[-1])
    ]
    return np.stack([np.asarray(channel) for channel in channels], axis=-1)
