"""Formats of photographs that are read: their file-name suffixes, and optional decoders.

HEIC, the format of iPhones, needs the package pillow-heif (`pip install tf_facerecon[heif]`); AVIF
is part of Pillow since 11.3.
"""

import functools
import pathlib

# An allow-list of Pillow's decoders: the one for EPS, for instance, starts Ghostscript.
_FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "PPM", "JPEG2000", "TGA", "AVIF")
_HEIF = "HEIF"
_SUFFIXES = {
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".tif", ".tiff", ".bmp", ".dib", ".gif"),
    *(".ppm", ".pgm", ".pbm", ".pnm", ".jp2", ".j2k", ".jpx", ".tga", ".avif"),
    *(".heic", ".heif", ".hif"),
}
# Brands of ISO base media files (ISO/IEC 23008-12, annex B; AV1 Image File Format, section 8).
_HEIF_BRANDS = {b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"}
_AVIF_BRANDS = {b"avif", b"avis"}
HEADER_BYTES = 32  # As many as `missing_decoder` looks at.


def is_photo_name(path: pathlib.Path) -> bool:
    """Whether a file of a folder is a photograph by its name: suffix of a format, not hidden.

    macOS stores metadata of `x.jpg` as `._x.jpg` on disks of other systems.
    """
    return path.suffix.lower() in _SUFFIXES and not path.name.startswith(".")


def readable_formats() -> tuple[str, ...]:
    """Pillow's names of the formats that are read; with HEIF if pillow-heif is installed."""
    return (*_FORMATS, _HEIF) if _register_heif() else _FORMATS


def missing_decoder(header: bytes) -> str | None:
    """What to install for a file whose format needs an optional decoder.

    Args:
        header: The first `HEADER_BYTES` of a file that no installed decoder reads.

    Returns:
        A sentence; `None` if the file is not in such a format, or its decoder is installed.
    """
    if header[4:8] != b"ftyp":
        return None
    brands = {header[8:12], *(header[k : k + 4] for k in range(16, len(header), 4))}
    if brands & _AVIF_BRANDS:
        return None if _has_avif() else "AVIF needs Pillow 11.3 or newer: pip install -U pillow."
    if brands & _HEIF_BRANDS and not _register_heif():
        return 'HEIC needs the package pillow-heif: pip install "tf_facerecon[heif]".'
    return None


@functools.cache
def _register_heif() -> bool:
    """Adds the HEIF decoder to Pillow; returns whether it is installed."""
    try:
        import pillow_heif
    except ImportError:
        return False
    pillow_heif.register_heif_opener()
    return True


def _has_avif() -> bool:
    import PIL.features

    return "avif" in PIL.features.get_supported_modules()
