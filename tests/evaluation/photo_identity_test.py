import types

import numpy as np
import pytest
import tensorflow as tf

from tests.datasets.made_up_photos import FACE, landmarks_of
from tests.toy_face import build_toy_face_model
from tf_facerecon.evaluation import photo_identity
from tf_facerecon.evaluation.photo_pairs import PhotoPairs
from tf_facerecon.layers.face_decoder import FaceDecoder
from tf_facerecon.metrics import image_error
from tf_facerecon.morphable_models import expression_limits
from tf_facerecon.photos import face_alignment

# Each person is of one colour and gets a shape of her own.
COLOURS = {"anna": (200, 60, 60), "bert": (60, 200, 60), "carl": (60, 60, 200)}
YAW = 0.3
NAMES = [f"{person}/{i}.png" for person in COLOURS for i in range(2)]
PAIRS = PhotoPairs(
    same=tuple((f"{person}/0.png", f"{person}/1.png") for person in COLOURS),
    different=(
        ("anna/0.png", "bert/1.png"),
        ("bert/0.png", "carl/1.png"),
        ("carl/0.png", "anna/1.png"),
    ),
)


@pytest.fixture(scope="module")
def decoder():
    return FaceDecoder(build_toy_face_model())


def stream():
    """Photographs of one colour each."""
    for name in NAMES:
        photo = np.full((180, 160, 3), COLOURS[name.split("/")[0]], np.uint8)
        yield name, photo, landmarks_of(FACE)


def colour_network(decoder):
    """Reads shape and texture from the colour of the middle of the crop; all turned by `YAW`."""

    def r_net(images, training):
        colours = 2.0 * images[:, 112, 112] - 1.0
        groups = {name: tf.zeros([len(images), n]) for name, n in decoder.layout.sizes.items()}
        groups["identity"] = tf.pad(colours, [[0, 0], [0, 3]])
        groups["texture"] = tf.pad(colours, [[0, 0], [0, 2]])
        groups["rotation"] = tf.tile([[0.0, YAW, 0.0]], [len(images), 1])
        return decoder.layout.merge(groups)

    return r_net


def middle_colour(images, landmarks):
    assert images.dtype == np.uint8 and landmarks.shape == (len(images), 68, 2)
    return images[:, 112, 112] / 255.0 - 0.5


@pytest.fixture(scope="module")
def measured(decoder):
    faces = photo_identity.Faces(colour_network(decoder), decoder, "network")
    written = []
    found = photo_identity.measure(
        faces, {"colour": middle_colour}, stream(), len(NAMES), lambda *args: written.append(args)
    )
    return types.SimpleNamespace(**found, faces=faces, written=written)


def test_measure_reconstructs_each_photograph(measured):
    assert measured.names == NAMES
    expected = 2 * np.array(COLOURS["bert"]) / 255 - 1
    np.testing.assert_allclose(measured.identity[2], [*expected, 0, 0, 0], atol=1e-6)
    vectors = measured.vectors["colour"]
    assert list(vectors) == list(
        (
            photo_identity.PHOTOGRAPHS,
            photo_identity.MEAN_FACE,
            photo_identity.MEAN_IDENTITY,
            "network",
        )
    )
    np.testing.assert_allclose(vectors["photographs"][2], expected / 2, atol=1e-6)
    # The mean face is one picture; without identity people are alike, too.
    for row in (photo_identity.MEAN_FACE, photo_identity.MEAN_IDENTITY):
        assert np.ptp(vectors[row], axis=0).max() == 0
    assert np.ptp(vectors["network"], axis=0).max() > 0.01


def test_measure_writes_what_is_compared(measured, decoder):
    assert len(measured.written) == 4 * len(NAMES)
    rows = {
        row: (image, points) for row, name, image, points in measured.written if name == NAMES[0]
    }
    aligned = face_alignment.align_face(np.full((180, 160, 3), COLOURS["anna"], np.uint8), FACE)
    image, points = rows["photographs"]
    np.testing.assert_array_equal(image, aligned.image)
    np.testing.assert_allclose(points, aligned.transform.to_crop(landmarks_of(FACE)))
    nobody = np.zeros((2, decoder.layout.total), np.float32)
    nobody[1, decoder.layout.slices["rotation"]] = [0, YAW, 0]
    limited = expression_limits.limit_coefficients(decoder.face_model, decoder.layout, nobody)
    decoded = decoder(tf.concat([nobody[:1], limited[1:]], axis=0))
    for i, row in enumerate((photo_identity.MEAN_FACE, photo_identity.MEAN_IDENTITY)):
        image, points = rows[row]
        np.testing.assert_allclose(points, decoded["landmarks"][i], atol=1e-3)
        np.testing.assert_allclose(image / 255, decoded["image"][i], atol=0.01)
        assert (image[0, 0] == 0).all()


def test_measure_photometric_error_inside_the_ellipse_of_the_labels(measured):
    _, _, image, _ = next(
        line for line in measured.written if line[:2] == ("network", "carl/1.png")
    )
    _, _, crop, points = next(
        line for line in measured.written if line[:2] == ("photographs", "carl/1.png")
    )
    region = image_error.face_ellipse(points, (224, 224))
    expected = np.linalg.norm((image[region] - crop[region].astype(float)) / 255, axis=-1).mean()
    assert measured.photometric["network"][5] == pytest.approx(expected)
    assert "photographs" not in measured.photometric


def test_figures_of_a_network_that_knows_everybody(measured, decoder):
    found = vars(measured) | {"vectors": measured.vectors}
    results = photo_identity.figures(found, PAIRS, decoder.face_model, "network")
    rows = results["identity"]["colour"]
    assert rows["photographs"]["area_under_curve"].value == 1
    assert rows["photographs"]["same_cosine"].value == pytest.approx(1)
    assert "own_rendering_cosine" not in rows["photographs"]
    mean_face = rows[photo_identity.MEAN_FACE]
    # The same three photographs A stand in both kinds of pairs.
    assert mean_face["area_under_curve"].value == 0.5
    shape = results["shape"]["network"]
    assert shape["coefficient_area"].value == shape["shape_area"].value == 1
    assert shape["shape_ratio"].value == pytest.approx(0, abs=1e-9)
    baseline = results["shape"][photo_identity.MEAN_FACE]
    assert baseline["coefficient_area"].value == baseline["shape_area"].value == 0.5
    assert baseline["shape_ratio"] is None
    assert set(results["photometric"]) == {
        photo_identity.MEAN_FACE,
        photo_identity.MEAN_IDENTITY,
        "network",
    }


def test_identity_figures_compare_photograph_a_with_rendering_b():
    """By hand: photographs and renderings on the unit circle, at these angles in degrees."""
    photographs, renderings = [0, 10, 90], [180, 70, 75]
    vectors = {
        row: np.stack([np.cos(np.radians(angles)), np.sin(np.radians(angles))], axis=-1)
        for row, angles in (("photographs", photographs), ("network", renderings))
    }
    # The pair of one person, (0, 1): 70 degrees; of two, (0, 2): 75 and (1, 2): 65.
    found = photo_identity.identity_figures(vectors, [0, 0, 1], [1, 2, 2], 1)
    assert found["network"]["same_cosine"].value == pytest.approx(np.cos(np.radians(70)))
    assert found["network"]["area_under_curve"].value == 0.5  # Nearer than one of the two.
    own = np.cos(np.radians([180, 60, 15])).mean()
    assert found["network"]["own_rendering_cosine"].value == pytest.approx(own)
    assert found["photographs"]["different_cosine"].value == pytest.approx(
        np.cos(np.radians([90, 80])).mean()
    )


def test_shape_figures_by_hand():
    model = build_toy_face_model()
    identity = np.zeros((4, 6))
    identity[:, 0] = [0, 1, 0, 3]
    found = photo_identity.shape_figures(model, identity, [0, 0], [1, 3], 1)
    assert found["shape_area"].value == 1  # One standard deviation is nearer than three.
    moved = 100 * np.linalg.norm(model.identity_basis[:, :, 0], axis=-1).mean()
    assert 0 < found["same_mm"].value <= moved + 1e-9
    assert found["shape_ratio"].value == pytest.approx(1 / 3, abs=0.05)
    assert found["coefficient_area"].value == 0.5  # Zero coefficients have no direction.


def test_identity_embedding_aligns_by_the_five_points_of_the_landmarks(monkeypatch, rng):
    def network(images, five_points=None):
        assert images.dtype == tf.float32 and float(tf.reduce_max(images)) <= 1
        return five_points[:, 2] if five_points is not None else images[:, 0, 0]

    monkeypatch.setattr(
        photo_identity.identity_network, "load_identity_network", lambda name, weights: network
    )
    images = rng.integers(0, 256, (2, 8, 8, 3), dtype=np.uint8)
    landmarks = rng.uniform(0, 8, (2, 68, 2))
    found = photo_identity.identity_embedding("plain")(images, landmarks)
    np.testing.assert_allclose(found, images[:, 0, 0] / 255, atol=1e-6)
    network.takes_five_points = True
    found = photo_identity.identity_embedding("aligned")(images, landmarks)
    np.testing.assert_allclose(found, landmarks[:, 30], rtol=1e-6)
