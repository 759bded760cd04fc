"""Reading and writing images.

Convention:
    Arrays are `[height, width, 3]`, RGB, row 0 on top, and upright: the EXIF orientation is
    applied. `uint8` ranges over 0..255, floats over 0..1.
"""

import contextlib
import os
import pathlib
from collections.abc import Iterator

import numpy as np

from tf_facerecon.io import atomic_files, image_formats

MAX_PIXELS = 64_000_000  # An 8000 x 8000 photograph; 192 MB as an array.
MIN_SIDE = 16  # No face can be detected in smaller images.
PNG_COMPRESSION = 6
FAST_COMPRESSION = 1  # A fraction of the time.
_TRANSPARENT = ("RGBA", "LA", "PA", "RGBa", "La")
_SIXTEEN_BITS = ("I", "I;16", "I;16L", "I;16B", "I;16N")
_JPEG_QUALITY = 95
_RUN_LENGTHS = 3  # zlib's strategy Z_RLE.
_EXIF_ORIENTATION = 0x0112


def read_image(
    path: str | os.PathLike,
    max_pixels: int = MAX_PIXELS,
    min_side: int = MIN_SIDE,
    *,
    upright: bool = True,
) -> np.ndarray:
    """Reads a photograph as 8-bit RGB.

    Grey, palette, CMYK and 16-bit images are converted. Transparent pixels are composited on black,
    with which the package also fills whatever lies outside a photograph. Of an animation, the first
    frame is read. The size is checked before pixels are decoded.

    Args:
        path: A JPEG, PNG, WebP, TIFF, BMP, GIF, PPM, JPEG 2000, TGA or AVIF file, or HEIC if
            pillow-heif is installed (`pip install tf_facerecon[heif]`); its suffix is ignored.
        max_pixels: Largest accepted width times height.
        min_side: Smallest accepted width and height, in pixels.
        upright: Whether the EXIF orientation is applied. Not for labels of programs that ignore it.

    Returns:
        `uint8` array `[height, width, 3]`, RGB.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is not an image, is damaged or truncated, is larger than
            `max_pixels` or smaller than `min_side`; the message names the file and the cause.
        MemoryError: If its pixels do not fit into memory.
    """
    path = pathlib.Path(path)
    if not path.exists():
        raise FileNotFoundError(f"No image file {path}.")
    if path.is_dir():
        raise ValueError(f"{path} is a folder, expected an image file.")
    with path.open("rb") as stream, _opened(path, stream, max_pixels, min_side) as image:
        return _to_rgb(path, image, upright)


def photo_from_array(
    pixels: np.ndarray, source: str = "image", min_side: int = MIN_SIDE
) -> np.ndarray:
    """Converts an image array to the format that `read_image` returns.

    Args:
        pixels: `[height, width]`, or `[height, width, C]` with C = 1 (grey), 3 (RGB) or 4 (RGB and
            alpha, composited on black); uint8, or floats in [0, 1].
        source: Name of the image in error messages.
        min_side: Smallest accepted width and height, in pixels.

    Returns:
        `uint8` array `[height, width, 3]`, RGB.

    Raises:
        ValueError: If the shape, the dtype or a value is invalid, or the image is smaller than
            `min_side`; the message names `source`.
    """
    pixels = np.asarray(pixels)
    if pixels.ndim == 2:
        pixels = pixels[..., np.newaxis]
    if pixels.ndim != 3 or pixels.shape[-1] not in (1, 3, 4):
        raise ValueError(
            f"{source} must have shape [height, width], or [height, width, channels] with 1, 3 or "
            f"4 channels. Received: shape {pixels.shape}."
        )
    _check_size(source, pixels.shape[1::-1], None, min_side)
    if pixels.dtype.kind == "f" and (pixels.min() < 0.0 or pixels.max() > 1.0):
        raise ValueError(
            f"{source} must lie in [0, 1] when it holds floats. "
            f"Received: {pixels.min()} to {pixels.max()}."
        )
    try:
        pixels = to_uint8(pixels)
    except ValueError as error:
        raise ValueError(f"{source}: {error}") from error
    if pixels.shape[-1] == 4:
        return _on_black(pixels)
    return np.ascontiguousarray(np.broadcast_to(pixels, (*pixels.shape[:2], 3)))


def write_image(
    path: str | os.PathLike, image: np.ndarray, *, compression: int = PNG_COMPRESSION
) -> None:
    """Writes an image as PNG or JPEG, chosen by the suffix of `path`; atomically.

    Args:
        path: Ends in `.png`, `.jpg` or `.jpeg`.
        image: `[height, width]`, `[height, width, 1]` or `[height, width, 3]` (`.png`: also 4
            channels), `uint8`, or floats in 0..1, which are clipped.
        compression: Of `.png`, from 0 (none) to 9; 1 takes a fraction of the time of the default
            and gives a file of about the same size. The pixels are the same.

    Raises:
        ValueError: If the suffix, the shape or the dtype is invalid, or a value is not finite.
    """
    import PIL.Image

    path = pathlib.Path(path)
    suffix = path.suffix.lower()
    if suffix not in (".png", ".jpg", ".jpeg"):
        raise ValueError(f"`path` must end in .png, .jpg or .jpeg. Received: {path}.")
    pixels = to_uint8(image)
    channels = (1, 3, 4) if suffix == ".png" else (1, 3)
    if pixels.ndim == 2:
        pixels = pixels[..., np.newaxis]
    if pixels.ndim != 3 or pixels.shape[-1] not in channels or 0 in pixels.shape:
        raise ValueError(
            f"`image` for {path} must have shape [height, width] or [height, width, channels] with "
            f"channels in {channels}. Received: shape {np.shape(image)}."
        )
    encoded = PIL.Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    options = {"quality": _JPEG_QUALITY, "subsampling": 0}
    if suffix == ".png":
        options = {"compress_level": compression}
        if compression == FAST_COMPRESSION:
            # As fast as short searches for repetitions, and smaller files of photographs.
            options["compress_type"] = _RUN_LENGTHS
    with atomic_files.atomic_path(path) as temporary:
        encoded.save(temporary, **options)


def to_uint8(image: np.ndarray) -> np.ndarray:
    """Converts floats in 0..1 (clipped) to rounded 0..255; returns `uint8` unchanged.

    Raises:
        ValueError: If a value is not finite or the dtype is neither `uint8` nor floating.
    """
    image = np.asarray(image)
    if image.dtype == np.uint8:
        return image
    if not np.issubdtype(image.dtype, np.floating):
        raise ValueError(f"`image` must be uint8 or floating. Received: {image.dtype}.")
    if not np.isfinite(image).all():
        raise ValueError("`image` must be finite. Received NaN or infinite values.")
    return np.round(255.0 * np.clip(image, 0.0, 1.0)).astype(np.uint8)


@contextlib.contextmanager
def _opened(path, stream, max_pixels: int, min_side: int) -> Iterator:
    """Yields the opened, size-checked image; errors of its decoder name the file."""
    import PIL.Image

    formats = image_formats.readable_formats()
    try:
        image = PIL.Image.open(stream, formats=formats)
    except PIL.UnidentifiedImageError as error:
        stream.seek(0)
        hint = image_formats.missing_decoder(stream.read(image_formats.HEADER_BYTES))
        raise ValueError(
            f"{path} cannot be read: {hint}"
            if hint
            else f"{path} is not an image of a format that is read ({', '.join(formats)})."
        ) from error
    except (PIL.Image.DecompressionBombError, PIL.Image.DecompressionBombWarning) as error:
        raise ValueError(f"{path} is too large: {error}") from error
    except MemoryError:
        raise  # Not an error of the file.
    except Exception as error:  # Decoders raise arbitrary exceptions for damaged files.
        raise ValueError(f"{path} is a damaged image: {error}.") from error
    with image:
        _check_size(path, image.size, max_pixels, min_side)
        yield image


def _check_size(source, size: tuple[int, int], max_pixels: int | None, min_side: int) -> None:
    """Raises `ValueError` for an image with too many or too few pixels."""
    width, height = size
    if max_pixels is not None and width * height > max_pixels:
        raise ValueError(
            f"{source} is too large: {width} x {height} pixels, limit {max_pixels:,}. Downscale it."
        )
    if min(size) < min_side:
        raise ValueError(
            f"{source} is too small: {width} x {height} pixels, expected at least {min_side} on "
            "each side."
        )


def _to_rgb(path, image, upright: bool) -> np.ndarray:
    """Decodes a Pillow image to `[height, width, 3]`, with its EXIF orientation if `upright`."""
    try:
        image.load()
    except MemoryError:
        raise
    except Exception as error:  # See `_opened`.
        raise ValueError(f"{path} is a damaged or truncated image: {error}.") from error
    if upright:
        image = _upright(image)
    if image.mode in _SIXTEEN_BITS:
        grey = _eight_bits(path, np.asarray(image))
        return np.repeat(grey[..., np.newaxis], 3, axis=-1)
    if image.mode == "F":
        raise ValueError(f"{path} holds floating-point pixels; expected 8 or 16 bits per channel.")
    if image.mode in _TRANSPARENT or "transparency" in image.info:
        return _on_black(np.asarray(image.convert("RGBA")))
    return np.asarray(image.convert("RGB"))


def _upright(image):
    """Applies the EXIF orientation; unreadable EXIF data are ignored.

    Not `PIL.ImageOps.exif_transpose`, which encodes all tags again and fails on malformed ones.
    """
    from PIL.Image import Transpose

    turns = {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }
    try:
        turn = turns.get(image.getexif().get(_EXIF_ORIENTATION))
    except Exception:  # Malformed EXIF data of cameras and editors; the pixels are intact.
        return image
    return image if turn is None else image.transpose(turn)


def _on_black(rgba: np.ndarray) -> np.ndarray:
    """Composites `uint8` `[height, width, 4]` on black: colours times alpha, rounded."""
    product = rgba[..., :3].astype(np.uint16) * rgba[..., 3:]
    return ((product + 127) // 255).astype(np.uint8)


def _eight_bits(path, values: np.ndarray) -> np.ndarray:
    """Scales 16-bit grey values 0..65535 to `uint8`."""
    if values.min() < 0 or values.max() > 65535:
        raise ValueError(
            f"{path} holds integers from {values.min()} to {values.max()}; expected 0 to 65535."
        )
    return np.round(values / 257.0).astype(np.uint8)
