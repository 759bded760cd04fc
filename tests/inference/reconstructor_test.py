"""`inference.reconstructor` with a toy face, fixed detections and a network with zero heads."""

import io

import numpy as np
import PIL.Image
import pytest

from tests import toy_reconstruction as toy
from tests.toy_face import build_toy_face_model
from tf_facerecon.export import deep3d_files
from tf_facerecon.inference import reconstructor as reconstructors
from tf_facerecon.inference.reconstructor import FaceReconstructor
from tf_facerecon.layers.face_decoder import FaceDecoder


def test_reconstruct_zero_heads_preset(toy_reconstructor, mean_face):
    model = toy_reconstructor.decoder.face_model
    assert {k: v.shape for k, v in mean_face.coefficients.items()} == {
        k: (n,) for k, n in toy_reconstructor.decoder.layout.sizes.items()
    }
    assert all(not group.any() for group in mean_face.coefficients.values())
    np.testing.assert_allclose(mean_face.vertices, model.mean_shape, atol=1e-6)
    np.testing.assert_allclose(mean_face.neutral_vertices, model.mean_shape, atol=1e-6)
    np.testing.assert_allclose(mean_face.albedo, model.mean_albedo, atol=1e-6)
    np.testing.assert_array_equal(mean_face.pose, np.eye(4))
    assert mean_face.source == "toy.png"
    assert mean_face.confidence == 0.99
    assert mean_face.face_model_fingerprint == model.fingerprint
    assert mean_face.image.shape == (224, 224, 3) and mean_face.mask.shape == (224, 224)
    assert mean_face.refinement is None


def test_reconstruct_largest_first(toy_reconstructor):
    photo = toy.toy_photo()
    faces = toy_reconstructor.reconstruct(photo, all_faces=True)
    assert [face.box[2] for face in faces] == [42.0, 21.0]
    assert len(toy_reconstructor.reconstruct(photo)) == 1


@pytest.mark.parametrize("count", [5, 68])
def test_reconstruct_with_landmarks_needs_no_detector(toy_reconstructor, count):
    points = toy.FIVE_POINTS
    if count == 68:
        points = np.tile(toy.FIVE_POINTS.mean(axis=0), (68, 1))
        for five, pair in enumerate(((36, 39), (42, 45), (30, 30), (48, 48), (54, 54))):
            points[list(pair)] = toy.FIVE_POINTS[five]
    reconstructor = FaceReconstructor(
        toy_reconstructor.r_net, toy_reconstructor.decoder, toy.FixedDetector()
    )
    (face,) = reconstructor.reconstruct(toy.toy_photo(), landmarks=points)
    assert face.confidence is None
    np.testing.assert_array_equal(face.box, [90.0, 90.0, 42.0, 48.0])
    (detected,) = toy_reconstructor.reconstruct(toy.toy_photo())
    np.testing.assert_array_equal(face.crop, detected.crop)


def test_reconstruct_refined(toy_reconstructor):
    (face,) = toy_reconstructor.reconstruct(toy.toy_photo(), refine=True)
    assert face.refinement.steps == 4
    assert face.coefficients["rotation"].any()
    expected = toy_reconstructor.decoder(
        toy_reconstructor.decoder.layout.merge(face.coefficients)[None]
    )
    np.testing.assert_allclose(face.vertices, expected["vertices"][0], atol=1e-5)


@pytest.mark.parametrize("kind", ["file", "grey", "rgba", "float"])
def test_reconstruct_accepts(toy_reconstructor, tmp_path, kind):
    photo = toy.toy_photo()
    if kind == "file":
        PIL.Image.fromarray(photo).save(tmp_path / "face.png")
        (face,) = toy_reconstructor.reconstruct(tmp_path / "face.png")
        assert face.source == str(tmp_path / "face.png")
        assert face.source_path == tmp_path / "face.png"
        np.testing.assert_array_equal(face.photo, photo)
        return
    image = {
        "grey": photo[..., 0],
        "rgba": np.dstack([photo, np.full(photo.shape[:2], 255, np.uint8)]),
        "float": photo / 255.0,
    }[kind]
    (face,) = toy_reconstructor.reconstruct(image)
    expected = np.repeat(photo[..., :1], 3, axis=-1) if kind == "grey" else photo
    np.testing.assert_array_equal(face.photo, expected)


@pytest.mark.parametrize(
    "image, message",
    [
        (np.zeros((20, 20, 2), np.uint8), r"\[height, width, channels\]"),
        (np.full((20, 20, 3), 200.0), r"\[0, 1\]"),
        (np.full((20, 20, 3), np.nan), "finite"),
        (np.zeros((15, 20, 3), np.uint8), "too small"),
    ],
)
def test_reconstruct_array_exception_raised(toy_reconstructor, image, message):
    with pytest.raises(ValueError, match=f"me.jpg.*{message}"):
        toy_reconstructor.reconstruct(image, source="me.jpg")


def test_reconstruct_composites_transparency_over_black(toy_reconstructor):
    opacity = np.full(toy.toy_photo().shape[:2], 255, np.uint8)
    opacity[:, :20] = 0
    (face,) = toy_reconstructor.reconstruct(np.dstack([toy.toy_photo(), opacity]))
    assert face.source_path is None
    np.testing.assert_array_equal(face.photo[:, :20], 0)
    np.testing.assert_array_equal(face.photo[:, 20:], toy.toy_photo()[:, 20:])


def test_reconstruct_file_exception_raised(toy_reconstructor, tmp_path):
    with pytest.raises(FileNotFoundError, match="gone.jpg"):
        toy_reconstructor.reconstruct(tmp_path / "gone.jpg")
    encoded = io.BytesIO()
    PIL.Image.fromarray(toy.toy_photo()).save(encoded, "JPEG")
    (tmp_path / "cut.jpg").write_bytes(encoded.getvalue()[:900])
    with pytest.raises(ValueError, match="cut.jpg"):
        toy_reconstructor.reconstruct(tmp_path / "cut.jpg")


def test_reconstruct_skips_faces_that_cannot_be_aligned(toy_reconstructor):
    outside = toy.detected_face((5000.0, 0.0), 2.0)  # The largest box, far outside the photo.
    detector = toy.FixedDetector(outside, toy.detected_face())
    reconstructor = FaceReconstructor(
        toy_reconstructor.r_net, toy_reconstructor.decoder, detector, refiner=object()
    )
    with pytest.warns(UserWarning, match="crowd.jpg: skipped the face of 84 x 96 pixels"):
        (face,) = reconstructor.reconstruct(toy.toy_photo(), all_faces=True, source="crowd.jpg")
    np.testing.assert_array_equal(face.alignment_points, toy.FIVE_POINTS)


def test_reconstruct_no_face_exception_raised(toy_reconstructor):
    blind = FaceReconstructor(
        toy_reconstructor.r_net, toy_reconstructor.decoder, toy.FixedDetector()
    )
    with pytest.raises(ValueError, match="holiday.jpg"):
        blind.reconstruct(toy.toy_photo(), source="holiday.jpg")


@pytest.mark.parametrize(
    "landmarks, message",
    [
        (toy.FIVE_POINTS[:4], r"shape \(4, 2\)"),
        (toy.FIVE_POINTS * np.nan, "10 not finite"),
        (toy.FIVE_POINTS[[1, 0, 2, 3, 4]], "order"),  # Left and right as seen by the subject.
        (toy.FIVE_POINTS[[0, 1, 2, 4, 3]], "order"),
        (toy.FIVE_POINTS[[3, 4, 2, 0, 1]], "order"),  # Mouth first.
        (toy.FIVE_POINTS + 5000.0, "me.jpg.*near it"),
    ],
)
def test_reconstruct_landmarks_exception_raised(toy_reconstructor, landmarks, message):
    with pytest.raises(ValueError, match=message):
        toy_reconstructor.reconstruct(toy.toy_photo(), landmarks=landmarks, source="me.jpg")


def test_incompatible_decoder_exception_raised(toy_reconstructor):
    decoder = toy_reconstructor.decoder
    with pytest.raises(ValueError, match="same coefficients"):
        FaceReconstructor(toy.build_toy_network(decoder, identity=7), decoder, toy.FixedDetector())
    other = FaceDecoder(build_toy_face_model(seed=8))
    with pytest.raises(ValueError, match="trained for face model 'toy'"):
        FaceReconstructor(toy_reconstructor.r_net, other, toy.FixedDetector())
    converted = toy.build_toy_network(decoder, half_pixel_offset=True)
    with pytest.raises(ValueError, match=r"PerspectiveCamera\(half_pixel_offset=True\)"):
        FaceReconstructor(converted, decoder, toy.FixedDetector())


def test_load_network_preset(toy_reconstructor, tmp_path):
    path = tmp_path / "toy.keras"
    toy_reconstructor.r_net.save(path)
    face_model = toy_reconstructor.decoder.face_model
    r_net, decoder = reconstructors.load_network(path, face_model, jaw="contour")
    crops = np.random.default_rng(0).uniform(size=(1, 224, 224, 3)).astype(np.float32)
    np.testing.assert_array_equal(r_net(crops), toy_reconstructor.r_net(crops))
    assert decoder.face_model is face_model and decoder.jaw == "contour"
    assert reconstructors.load_network(path, face_model)[1].jaw == "fixed"


def test_landmarks_of_a_converted_network_are_those_of_the_code_of_deng(
    toy_reconstructor, tmp_path
):
    """`to_image` and `lm68` of their code: `u` and `223 - v`, half a pixel beside the rendering."""
    face_model = toy_reconstructor.decoder.face_model
    path = tmp_path / "converted.keras"
    toy.build_toy_network(toy_reconstructor.decoder, half_pixel_offset=True).save(path)
    network = FaceReconstructor.from_preset(
        path, face_model=face_model, detector=toy.FixedDetector(toy.detected_face())
    )
    (face,) = network.reconstruct(toy.toy_photo())
    x, y, z = np.float64(face.vertices[face_model.landmarks]).T
    u, v = 1015 * x / (10 - z) + 112, 1015 * y / (10 - z) + 112
    np.testing.assert_allclose(face.landmarks, np.stack([u, 223 - v], axis=-1), atol=1e-3)
    written = deep3d_files.deep3d_arrays(face, "pytorch")["lm68"]
    np.testing.assert_allclose(written[0], face.landmarks, atol=1e-4)
    # The pixels are those of any other network.
    (other,) = toy_reconstructor.reconstruct(toy.toy_photo())
    np.testing.assert_array_equal(face.crop, other.crop)
    np.testing.assert_array_equal(face.image, other.image)


def test_load_network_exception_raised(toy_reconstructor, tmp_path):
    path = tmp_path / "toy.keras"
    toy_reconstructor.r_net.save(path)
    with pytest.raises(FileNotFoundError, match="toy.keras' needs its face model 'toy'"):
        reconstructors.load_network(path)
    with pytest.raises(FileNotFoundError, match="moved.npz"):
        reconstructors.load_network(path, tmp_path / "moved.npz")
    with pytest.raises(FileNotFoundError, match="none.keras"):
        reconstructors.load_network(tmp_path / "none.keras")
