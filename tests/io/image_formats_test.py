import pathlib
import sys

import numpy as np
import PIL.features
import PIL.Image
import pytest

from tf_facerecon.io import image_files, image_formats

HEIC = b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + bytes(64)
AVIF = b"\x00\x00\x00\x1cftypavif\x00\x00\x00\x00avifmif1miaf" + bytes(64)


@pytest.fixture
def without_pillow_heif(monkeypatch):
    image_formats._register_heif.cache_clear()
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    yield
    image_formats._register_heif.cache_clear()


@pytest.mark.parametrize(
    ("name", "is_photo"),
    [
        ("me.jpg", True),
        ("IMG_1.HEIC", True),
        ("me.avif", True),
        ("me.jfif", True),
        ("._me.jpg", False),
        (".me.jpg", False),
        ("me.mov", False),
        ("jpg", False),
    ],
)
def test_is_photo_name(name, is_photo):
    assert image_formats.is_photo_name(pathlib.Path("folder", name)) == is_photo


def test_heic_without_its_decoder_names_what_to_install(tmp_path, without_pillow_heif):
    (tmp_path / "me.jpg").write_bytes(HEIC)
    with pytest.raises(ValueError, match=r'me\.jpg cannot be read: HEIC .*"tf_facerecon\[heif\]"'):
        image_files.read_image(tmp_path / "me.jpg")


def test_avif_without_its_decoder_names_what_to_install(monkeypatch):
    assert image_formats.missing_decoder(HEIC[:4] + b"mp41" + bytes(24)) is None
    monkeypatch.setattr(PIL.features, "get_supported_modules", list)
    assert "Pillow 11.3" in image_formats.missing_decoder(AVIF[:32])


def test_damaged_heic_is_not_said_to_need_a_decoder(tmp_path):
    pytest.importorskip("pillow_heif")
    (tmp_path / "me.heic").write_bytes(HEIC)
    with pytest.raises(ValueError, match="me.heic is") as raised:
        image_files.read_image(tmp_path / "me.heic")
    assert "pip install" not in str(raised.value)


@pytest.mark.parametrize("suffix", [".avif", ".heic"])
def test_photographs_of_telephones_are_read(tmp_path, suffix):
    if suffix == ".heic":
        pytest.importorskip("pillow_heif").register_heif_opener()
    elif "avif" not in PIL.features.get_supported_modules():
        pytest.skip("needs a Pillow with AVIF")
    ramp = np.broadcast_to(np.linspace(0, 255, 64)[:, None, None], (64, 48, 3)).astype(np.uint8)
    path, exif = tmp_path / f"me{suffix}", PIL.Image.Exif()
    if suffix == ".avif":  # HEIC is turned by its own boxes, which libheif heeds; not by EXIF.
        exif[0x0112] = 6
    PIL.Image.fromarray(ramp).save(path, quality=95, exif=exif)
    image = image_files.read_image(path).astype(int)
    expected = np.rot90(ramp, -1) if suffix == ".avif" else ramp
    assert image.shape == expected.shape
    assert np.abs(image - expected).mean() < 4
