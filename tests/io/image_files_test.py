import io
import os
import struct
import warnings

import numpy as np
import PIL.EpsImagePlugin
import PIL.Image
import PIL.ImageFile
import PIL.ImageOps
import pytest

from tf_facerecon.io import image_files


@pytest.fixture
def photo(rng):
    return rng.integers(0, 256, (24, 32, 3), dtype=np.uint8)


def test_read_image_png_round_trip(tmp_path, photo):
    image_files.write_image(tmp_path / "a.png", photo)
    read = image_files.read_image(tmp_path / "a.png")
    assert read.dtype == np.uint8
    np.testing.assert_array_equal(read, photo)
    assert os.listdir(tmp_path) == ["a.png"]


def test_write_image_png_of_less_compression_has_the_same_pixels(tmp_path, rng):
    walk = rng.integers(-2, 3, (128, 256)).cumsum(axis=1).astype(np.uint8)
    for compression in (0, 1, 6):
        path = tmp_path / f"{compression}.png"
        image_files.write_image(path, walk, compression=compression)
        np.testing.assert_array_equal(image_files.read_image(path)[..., 0], walk)
    image_files.write_image(tmp_path / "default.png", walk)
    sizes = [(tmp_path / f"{name}.png").stat().st_size for name in ("default", 1, 0)]
    assert sizes[2] > 2 * max(sizes[:2]) and len(set(sizes)) == 3


def test_read_image_jpeg_round_trip(tmp_path):
    flat = np.full((24, 32, 3), (200, 120, 40), np.uint8)
    image_files.write_image(tmp_path / "a.JPG", flat)
    np.testing.assert_allclose(image_files.read_image(tmp_path / "a.JPG"), flat, atol=2)


@pytest.mark.parametrize("orientation, turn", [(3, 2), (6, -1), (8, 1)])
def test_read_image_exif_orientation(tmp_path, photo, orientation, turn):
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    PIL.Image.fromarray(photo).save(tmp_path / "a.png", exif=exif)
    np.testing.assert_array_equal(image_files.read_image(tmp_path / "a.png"), np.rot90(photo, turn))
    as_stored = image_files.read_image(tmp_path / "a.png", upright=False)
    np.testing.assert_array_equal(as_stored, photo)


def test_read_image_rgba_is_composited_on_black(tmp_path):
    rgba = np.zeros((16, 16, 4), np.uint8)
    rgba[:, :8] = (200, 100, 50, 255)
    rgba[:, 8:] = (200, 100, 50, 0)
    PIL.Image.fromarray(rgba).save(tmp_path / "a.png")
    read = image_files.read_image(tmp_path / "a.png")
    assert tuple(read[0, 0]) == (200, 100, 50)
    assert tuple(read[0, 15]) == (0, 0, 0)


def test_read_image_and_photo_from_array_blend_alike(tmp_path, rng):
    rgba = rng.integers(0, 256, (64, 64, 4), dtype=np.uint8)
    PIL.Image.fromarray(rgba).save(tmp_path / "a.png")
    read = image_files.read_image(tmp_path / "a.png")
    np.testing.assert_allclose(read, rgba[..., :3] * (rgba[..., 3:] / 255.0), atol=0.5)
    np.testing.assert_array_equal(image_files.photo_from_array(rgba), read)


def test_photo_from_array_preset():
    grey = np.full((16, 20), 0.5)
    expected = np.full((16, 20, 3), 128, np.uint8)
    for pixels in (grey, grey[..., np.newaxis], np.dstack([grey] * 3), np.uint8(256 * grey)):
        photo = image_files.photo_from_array(pixels)
        assert photo.dtype == np.uint8
        np.testing.assert_array_equal(photo, expected)


@pytest.mark.parametrize(
    "pixels, message",
    [
        (np.zeros((20, 20, 2), np.uint8), r"shape \(20, 20, 2\)"),
        (np.zeros(20, np.uint8), r"shape \(20,\)"),
        (np.full((20, 20, 3), 200.0), r"\[0, 1\].*200"),
        (np.full((20, 20, 3), np.nan), "finite"),
        (np.zeros((20, 20, 3), np.int64), "int64"),
        (np.zeros((15, 20, 3), np.uint8), "too small: 20 x 15"),
        (np.zeros((0, 20, 3), np.uint8), "too small"),
    ],
)
def test_photo_from_array_exception_raised(pixels, message):
    with pytest.raises(ValueError, match=rf"^me\.jpg.*{message}"):
        image_files.photo_from_array(pixels, "me.jpg")


@pytest.mark.parametrize("mode", ["L", "1", "P", "CMYK", "LA", "YCbCr"])
def test_read_image_modes(tmp_path, mode):
    # Pillow 12, the last one for Python 3.10, cannot read back its own YCbCr TIFF files.
    path = tmp_path / ("a.jpg" if mode == "YCbCr" else "a.tiff")
    PIL.Image.fromarray(np.full((20, 30, 3), 255, np.uint8)).convert(mode).save(path)
    read = image_files.read_image(path)
    assert read.shape == (20, 30, 3)
    np.testing.assert_allclose(read, 255, atol=1)


def test_read_image_sixteen_bits(tmp_path):
    ramp = np.tile(np.array([0, 257, 32896, 65535], np.uint16), (16, 4))
    PIL.Image.fromarray(ramp).save(tmp_path / "a.png")
    read = image_files.read_image(tmp_path / "a.png")
    np.testing.assert_array_equal(read[0, :4], np.array([[0, 1, 128, 255]] * 3).T)


def test_read_image_palette_with_transparency(tmp_path):
    image = PIL.Image.new("P", (16, 16), 1)
    image.putpalette([10, 20, 30, 200, 100, 50])
    image.save(tmp_path / "a.png", transparency=1)
    np.testing.assert_array_equal(image_files.read_image(tmp_path / "a.png"), 0)


def test_read_image_missing_exception_raised(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.png"):
        image_files.read_image(tmp_path / "none.png")


def test_read_image_folder_exception_raised(tmp_path):
    with pytest.raises(ValueError, match="is a folder"):
        image_files.read_image(tmp_path)


@pytest.mark.parametrize("content", [b"", b"hello", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0"])
def test_read_image_not_an_image_exception_raised(tmp_path, content):
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.png is (not an|a damaged)"):
        image_files.read_image(tmp_path / "a.png")


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_read_image_truncated_exception_raised(tmp_path, rng, suffix):
    path = tmp_path / f"a{suffix}"
    image_files.write_image(path, rng.integers(0, 256, (64, 64, 3), dtype=np.uint8))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(ValueError, match=r"a\.(jpg|png) is a damaged or truncated image"):
        image_files.read_image(path)


@pytest.mark.filterwarnings("ignore")  # Pillow warns of what it mends.
@pytest.mark.parametrize("format", ["JPEG", "PNG", "GIF", "TIFF", "WEBP", "BMP"])
def test_read_image_broken_bytes_are_value_errors_random(tmp_path, rng, format):
    stream = io.BytesIO()
    blocks = np.kron(rng.integers(0, 256, (8, 8, 3)), np.ones((4, 4, 1))).astype(np.uint8)
    PIL.Image.fromarray(blocks).save(stream, format)
    failures = 0
    for _ in range(30):
        content = np.frombuffer(stream.getvalue(), np.uint8).copy()
        content[rng.integers(0, min(200, len(content)), 4)] = rng.integers(0, 256, 4)
        (tmp_path / "a.bin").write_bytes(content.tobytes())
        try:
            assert image_files.read_image(tmp_path / "a.bin").shape[-1] == 3
        except ValueError as error:
            assert "a.bin" in str(error)
            failures += 1
    assert failures > 0


@pytest.mark.parametrize("size", [(1, 1), (15, 400), (400, 15)])
def test_read_image_too_small_exception_raised(tmp_path, size):
    PIL.Image.new("RGB", size).save(tmp_path / "a.png")
    with pytest.raises(ValueError, match=r"a\.png is too small"):
        image_files.read_image(tmp_path / "a.png")


@pytest.mark.parametrize("size", [(12_000, 9_000), (20_000, 10_000)])
@pytest.mark.parametrize("action", ["error", "ignore"])  # Pillow warns of such pictures.
def test_read_image_too_large_exception_raised(tmp_path, size, action):
    PIL.Image.new("1", size).save(tmp_path / "a.png")  # Above Pillow's own limit in one case.
    with warnings.catch_warnings():
        warnings.simplefilter(action)
        with pytest.raises(ValueError, match=r"a\.png is too large"):
            image_files.read_image(tmp_path / "a.png")


def test_read_image_max_pixels(tmp_path, photo):
    image_files.write_image(tmp_path / "a.png", photo)
    with pytest.raises(ValueError, match=r"32 x 24 pixels, limit 700"):
        image_files.read_image(tmp_path / "a.png", max_pixels=700)
    assert image_files.read_image(tmp_path / "a.png", max_pixels=768).shape == (24, 32, 3)


def test_write_image_floats_are_rounded_and_clipped(tmp_path):
    image = np.full((16, 16), 0.5)
    image[0, :3] = (-1.0, 2.0, 0.2 / 255)
    image_files.write_image(tmp_path / "a.png", image)
    read = image_files.read_image(tmp_path / "a.png")
    assert [row[0] for row in read[0, :4]] == [0, 255, 0, 128]


@pytest.mark.parametrize(
    "name, image, message",
    [
        ("a.gif", np.zeros((4, 4, 3), np.uint8), "must end in"),
        ("a.png", np.zeros((4, 4, 2), np.uint8), r"Received: shape \(4, 4, 2\)"),
        ("a.jpg", np.zeros((4, 4, 4), np.uint8), r"Received: shape \(4, 4, 4\)"),
        ("a.png", np.zeros((0, 4, 3), np.uint8), r"Received: shape \(0, 4, 3\)"),
        ("a.png", np.zeros((4, 4, 3), np.int32), "int32"),
        ("a.png", np.full((4, 4, 3), np.nan), "NaN"),
    ],
)
def test_write_image_exception_raised(tmp_path, name, image, message):
    with pytest.raises(ValueError, match=message):
        image_files.write_image(tmp_path / name, image)
    assert os.listdir(tmp_path) == []


def test_read_image_ignores_malformed_exif(tmp_path, photo):
    """Only the orientation is read; a malformed resolution tag is ignored."""
    orientation = struct.pack("<HHIHH", 0x0112, 3, 1, 6, 0)
    resolution = struct.pack("<HHII", 0x011A, 2, 6, 38)
    tags = struct.pack("<2sHIH", b"II", 42, 8, 2) + orientation + resolution + bytes(4) + b"72dpi\0"
    PIL.Image.fromarray(photo).save(tmp_path / "a.png", exif=b"Exif\0\0" + tags)
    np.testing.assert_array_equal(image_files.read_image(tmp_path / "a.png"), np.rot90(photo, -1))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_read_image_turns_as_pillow_does(tmp_path, photo, orientation):
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    PIL.Image.fromarray(photo).save(tmp_path / "a.png", exif=exif)
    with PIL.Image.open(tmp_path / "a.png") as image:
        expected = np.asarray(PIL.ImageOps.exif_transpose(image))
    np.testing.assert_array_equal(image_files.read_image(tmp_path / "a.png"), expected)


def test_read_image_starts_no_other_program(tmp_path, monkeypatch):
    def ghostscript(*arguments, **keywords):
        raise AssertionError("a photograph was run as a program")

    monkeypatch.setattr(PIL.EpsImagePlugin, "Ghostscript", ghostscript)
    PIL.Image.new("RGB", (32, 32)).save(tmp_path / "a.eps")
    (tmp_path / "a.jpg").write_bytes((tmp_path / "a.eps").read_bytes())
    with pytest.raises(ValueError, match=r"a\.jpg is not an image of a format that is read"):
        image_files.read_image(tmp_path / "a.jpg")


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".bmp", ".tif", ".webp", ".gif", ".ppm"])
def test_read_image_formats(tmp_path, suffix):
    PIL.Image.new("RGB", (32, 24), (255, 255, 255)).save(tmp_path / f"a{suffix}")
    assert (image_files.read_image(tmp_path / f"a{suffix}") > 250).all()


def test_read_image_memory_error_raised(tmp_path, photo, monkeypatch):
    def load(self):
        raise MemoryError

    image_files.write_image(tmp_path / "a.png", photo)
    monkeypatch.setattr(PIL.ImageFile.ImageFile, "load", load)
    with pytest.raises(MemoryError):
        image_files.read_image(tmp_path / "a.png")
