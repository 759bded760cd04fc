import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.morphable_models.half_cylinder import RADIUS, half_cylinder
from tf_facerecon.geometry import face_landmarks, rigid_transforms, rotations
from tf_facerecon.layers.contour_landmarks import ContourLandmarks
from tf_facerecon.layers.face_decoder import FaceDecoder
from tf_facerecon.layers.mesh_renderer import MeshRenderer

LEFT, RIGHT = slice(0, 6), slice(11, 17)  # The flanks: the others are on the chin.


@pytest.fixture(scope="module")
def face():
    return FaceDecoder("ict_london", jaw="contour")


def posed(decoder, *degrees):
    coefficients = np.zeros((len(degrees), decoder.layout.total), np.float32)
    coefficients[:, decoder.layout.slices["rotation"]] = np.radians(degrees)
    return coefficients


def fixed_points(decoder, vertices):
    return decoder.projection(tf.gather(vertices, decoder.face_model.landmarks, axis=1)).numpy()


@pytest.mark.parametrize("yaw", [-70, -35, -5, 5, 35, 70])
def test_far_side_of_a_half_cylinder_is_where_lines_of_sight_touch_it(yaw):
    model = half_cylinder()
    rotation = np.float32(np.radians([[0, yaw, 0]]))
    vertices = rigid_transforms.rotate(
        model.mean_shape, rotations.rotation_matrix_from_euler(rotation)
    )
    landmarks = ContourLandmarks(model)(vertices, rotation).numpy()[0]
    sign = np.sign(yaw)  # A face that looks to the right hides its right side.
    far, near = (slice(10, 16), slice(1, 7))[::sign]
    touching = 111.5 + sign * 1015 * RADIUS / np.sqrt(10**2 - RADIUS**2)
    np.testing.assert_allclose(landmarks[far, 0], touching, atol=0.3)
    border = vertices.numpy()[0, model.landmarks[near]]
    column = 111.5 + 1015 * border[:, 0] / (10 - border[:, 2])
    np.testing.assert_allclose(landmarks[near, 0], column, atol=1e-3)


@pytest.mark.parametrize("name", ["ict_london", "procedural-4000"])
def test_frontal_landmarks_are_nearly_the_fixed_ones(name, face):
    decoder = face if name == "ict_london" else FaceDecoder(name, jaw="contour")
    decoded = decoder(posed(decoder, (0, 0, 0), (0, 0, 20)), render=False)
    moved = decoded["landmarks"] - fixed_points(decoder, decoded["vertices"])
    assert np.linalg.norm(moved, axis=-1).max() < 1
    np.testing.assert_array_equal(moved[:, 17:], 0)


def test_far_side_lies_on_the_contour_of_the_rendered_face(face):
    """Of the face without its nose, which hides a part of the far cheek."""
    model = face.face_model
    decoded = face(posed(face, (0, -60, 0), (0, 60, 0), (0, 60, 25), (20, 45, 0)), render=False)
    x, y, z = model.mean_shape.T
    nose = (np.abs(x) < 0.25) & (y > -0.2) & (y < 0.4) & (z > 0.25)
    renderer = MeshRenderer(model.triangles[~nose[model.triangles].any(axis=1)], (224, 224))
    masks = renderer.visible_triangles(face.clip_projection(decoded["vertices"])).numpy() >= 0
    landmarks = decoded["landmarks"].numpy()
    moved = np.linalg.norm(landmarks - fixed_points(face, decoded["vertices"]), axis=-1)
    for number, mask in enumerate(masks):
        far, near = (LEFT, RIGHT) if number == 0 else (RIGHT, LEFT)
        around = np.pad(mask, 1)
        inside = around[2:, 1:-1] & around[:-2, 1:-1] & around[1:-1, 2:] & around[1:-1, :-2]
        border = np.argwhere(mask & ~inside)[:, ::-1]
        distance = np.linalg.norm(landmarks[number, far, None] - border, axis=-1).min(axis=1)
        assert distance.max() < 2.1, number
        assert moved[number, far].min() > 5 and moved[number, near].max() < 1, number


def test_mirrored_poses_have_mirrored_landmarks(face):
    landmarks = face(posed(face, (10, 40, 15), (10, -40, -15)), render=False)["landmarks"].numpy()
    mirrored = landmarks[1, 16::-1] * [-1, 1] + [223, 0]
    np.testing.assert_allclose(landmarks[0, :17], mirrored, atol=0.1)  # The mesh is to 0.05 px.


def test_gradient_is_that_of_the_chosen_points(face, rng):
    coefficients = posed(face, (5, 50, 0), (-10, -30, 5))
    coefficients += np.float32(0.3 * rng.standard_normal(coefficients.shape)) * (coefficients == 0)
    coefficients[:, face.layout.slices["translation"]] = 0
    direction = np.zeros_like(coefficients)
    direction[:, : face.layout.identity] = rng.standard_normal((2, face.layout.identity))
    with tf.GradientTape() as tape:
        variable = tf.Variable(coefficients)
        jaw = face(variable, render=False)["landmarks"][:, :17]
        total = tf.reduce_sum(jaw)
    gradient = tf.convert_to_tensor(tape.gradient(total, variable)).numpy()
    assert np.isfinite(gradient).all()
    step = np.float32(1e-3)
    ahead, behind = (
        face(coefficients + sign * step * direction, render=False)["landmarks"].numpy()[:, :17]
        for sign in (1, -1)
    )
    slope = np.sum(ahead.astype(np.float64) - behind) / (2 * step)
    assert np.sum(gradient * direction) == pytest.approx(slope, rel=0.05, abs=0.5)


def test_images_of_a_batch_do_not_affect_each_other(face):
    coefficients = posed(face, (0, 50, 0), (0, 0, 0), (10, -30, 5))
    together = face(coefficients, render=False)["landmarks"].numpy()
    for number in range(3):
        alone = face(coefficients[number : number + 1], render=False)["landmarks"]
        np.testing.assert_allclose(alone[0], together[number], atol=1e-3)


def test_five_points_are_those_of_the_fixed_jaw(face):
    decoded = face(posed(face, (0, 50, 0)), render=False)
    landmarks = fixed_points(face, decoded["vertices"])
    np.testing.assert_array_equal(
        decoded["five_points"], face_landmarks.five_points_from_landmarks(landmarks)
    )


def test_decoder_keeps_its_jaw_in_its_configuration(face):
    revived = FaceDecoder.from_config(face.get_config())
    coefficients = posed(face, (0, 50, 0))
    np.testing.assert_array_equal(
        revived(coefficients, render=False)["landmarks"],
        face(coefficients, render=False)["landmarks"],
    )
    assert revived.jaw == "contour" and FaceDecoder(half_cylinder()).jaw == "fixed"


def test_layer_round_trip(face):
    layer = face.contour_landmarks
    revived = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert revived.get_config() == layer.get_config()
    assert layer.compute_output_shape((2, face.face_model.num_vertices, 3), (2, 3)) == (2, 17, 2)


def test_unknown_jaw_exception_raised():
    with pytest.raises(ValueError, match=r"`jaw` must be one of .*'silhouette'"):
        FaceDecoder(half_cylinder(), jaw="silhouette")


def test_call_exception_raised(face):
    with pytest.raises(ValueError, match="`rotation`"):
        face.contour_landmarks(face.face_model.mean_shape[None], np.zeros((1, 4), np.float32))
