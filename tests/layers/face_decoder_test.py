import os
import pathlib
import subprocess
import sys
import tempfile

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.morphable_models.made_up_models import made_up_model
from tf_facerecon.geometry import mesh_normals, rigid_transforms, rotations
from tf_facerecon.layers.face_decoder import FaceDecoder
from tf_facerecon.layers.mesh_renderer import MeshRenderer
from tf_facerecon.lighting import lambertian_shading


@pytest.fixture(scope="module")
def decoder():
    return FaceDecoder(made_up_model())


def test_zero_coefficients_give_the_mean_face_in_neutral_light(decoder):
    face = decoder(np.zeros((1, 257), np.float32))
    model = decoder.face_model
    np.testing.assert_allclose(face["vertices"][0], model.mean_shape, atol=1e-6)
    np.testing.assert_allclose(face["colours"][0], 0.70898154 * model.mean_albedo, rtol=1e-5)
    inside = face["mask"].numpy()[0, ..., 0] == 1
    assert 0.1 < inside.mean() < 0.9
    np.testing.assert_array_equal(face["image"].numpy()[0][~inside], 0)


def test_landmarks_are_projected_vertices(decoder, rng):
    coefficients = np.float32(0.1 * rng.standard_normal((3, 257)))
    face = decoder(coefficients, render=False)
    vertices = face["vertices"].numpy()[:, decoder.face_model.landmarks]
    depth = 10 - vertices[..., 2]
    column = 1015 * vertices[..., 0] / depth + 111.5
    row = 111.5 - 1015 * vertices[..., 1] / depth
    np.testing.assert_allclose(face["landmarks"], np.stack([column, row], -1), atol=1e-3)
    five = face["five_points"].numpy()
    np.testing.assert_allclose(five[:, 0, 0], (column[:, 36] + column[:, 39]) / 2, atol=1e-3)
    np.testing.assert_allclose(five[:, 2, 1], row[:, 30], atol=1e-3)


def test_geometry_is_the_same_without_rendering(decoder, rng):
    coefficients = np.float32(0.1 * rng.standard_normal((2, 257)))
    drawn, bare = decoder(coefficients), decoder(coefficients, render=False)
    assert bare.keys() < drawn.keys()
    for name, value in bare.items():
        np.testing.assert_array_equal(drawn[name], value)


def test_misnumbered_region_draws_the_triangles_of_the_pytorch_code():
    model = made_up_model()
    # All but the first ten vertices: as numbers of the region, all indices are ten too small.
    region = (np.arange(model.num_vertices) >= 10).astype(np.float32)
    decoder = FaceDecoder(made_up_model(face_region=region), misnumbered_region=True)
    face = decoder(np.zeros((1, 257), np.float32))
    wrong = model.triangles[(model.triangles >= 10).all(axis=-1)] - 10
    clip = decoder.clip_projection(face["vertices"])
    expected = MeshRenderer(wrong, (224, 224)).visible_triangles(clip).numpy() >= 0
    np.testing.assert_array_equal(face["region_mask"].numpy()[..., 0], expected)
    assert (expected != face["mask"].numpy()[..., 0]).any()
    assert decoder.get_config()["misnumbered_region"] is True


def test_region_mask_is_the_region_of_the_model():
    half = (made_up_model().mean_shape[:, 0] < 0).astype(np.float32)
    face = FaceDecoder(made_up_model(face_region=half))(np.zeros((1, 257), np.float32))
    region, mask = face["region_mask"].numpy()[0, ..., 0], face["mask"].numpy()[0, ..., 0]
    assert region[:, 120:].sum() == 0
    np.testing.assert_array_equal(region[:, :95], mask[:, :95])


def test_white_light_layout():
    white = FaceDecoder(made_up_model(), num_lighting=9)
    assert white.layout.total == 239
    colours = white(np.zeros((1, 239), np.float32))["colours"]
    np.testing.assert_allclose(colours[0], 0.70898154 * made_up_model().mean_albedo, rtol=1e-5)


def test_layer_round_trip_keeps_its_settings(tmp_path, monkeypatch):
    monkeypatch.setenv("TF_FACERECON_HOME", str(tmp_path))
    (tmp_path / "face_models").mkdir()
    made_up_model().save(tmp_path / "face_models" / "made-up.npz")
    decoder = FaceDecoder("made-up", num_lighting=9, camera={"focal": 1200.0, "image_size": 96})
    saved = keras.saving.serialize_keras_object(decoder)
    revived = keras.saving.deserialize_keras_object(saved)
    assert revived.get_config() == decoder.get_config()
    assert revived(np.zeros((1, 239), np.float32))["image"].shape == (1, 96, 96, 3)
    assert decoder.weights == []


def test_call_exception_raised(decoder):
    with pytest.raises(ValueError, match="`coefficients`"):
        decoder(np.zeros((1, 258), np.float32))


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "float16", "float64"])
def test_decoder_is_float32_under_every_policy(decoder, policy):
    decoder_of_policy = FaceDecoder(made_up_model(), dtype=policy)
    assert decoder_of_policy.dtype_policy.name == "float32"
    coefficients = np.full((1, 257), 0.1, np.float32)
    output, expected = (
        layer(coefficients, render=False)["landmarks"] for layer in (decoder_of_policy, decoder)
    )
    np.testing.assert_array_equal(output, expected)


def test_normals_and_light_equal_rotated_normals_that_are_shaded(decoder, rng):
    """The compiled layers equal the functions they are made of, forward and backward."""
    groups = decoder.layout.split(tf.constant(0.3 * rng.standard_normal((2, 257)), tf.float32))
    shape, albedo = decoder.morphable_face(
        groups["identity"], groups["expression"], groups["texture"]
    )
    triangles = decoder.face_model.triangles
    incidence = mesh_normals.vertex_incidence(triangles, decoder.face_model.num_vertices)

    def plain(shape, albedo, rotation, lighting):
        # As the released code does it: normals of the shape at rest, rotated.
        normals = mesh_normals.vertex_normals(shape, triangles, incidence)
        normals = rigid_transforms.rotate(normals, rotations.rotation_matrix_from_euler(rotation))
        return normals, lambertian_shading.shade(albedo, normals, lighting)

    def layers_of_decoder(shape, albedo, rotation, lighting):
        normals = decoder.pose_transform(decoder.vertex_normals(shape), rotation)
        return normals, decoder.illumination(albedo, normals, lighting)

    sources = (shape, albedo, groups["rotation"], groups["lighting"])
    outputs, gradients = [], []
    for light in (plain, layers_of_decoder):
        with tf.GradientTape() as tape:
            tape.watch(sources)
            normals, colours = light(*sources)
            loss = tf.reduce_sum(tf.sin(3 * normals)) + tf.reduce_sum(colours**2)
        outputs.append((normals, colours))
        gradients.append(tape.gradient(loss, sources))
    for expected, received in zip(*outputs, strict=True):
        np.testing.assert_allclose(received, expected, atol=1e-6)
    for expected, received in zip(*gradients, strict=True):
        expected = tf.convert_to_tensor(expected).numpy()
        np.testing.assert_allclose(received, expected, atol=1e-5 * np.abs(expected).max())


def test_symbolic_call_leaves_no_traces_for_later_calls():
    """In a fresh process, where nothing else has been traced before."""
    code = """
import os
import pathlib
import subprocess
import sys
import tempfile

import keras
from tests.morphable_models.made_up_models import made_up_model
from tf_facerecon.datasets import synthetic_dataset
from tf_facerecon.layers import face_decoder

decoder = face_decoder.FaceDecoder(made_up_model(), camera={"image_size": 64, "focal": 290.0})
coefficients = keras.Input((257,))
faces = keras.Model(coefficients, decoder(coefficients))
faces.export("exported", verbose=False)
batches = synthetic_dataset.build_synthetic_dataset(decoder, 2, seed=0, lifelike=False)
print(batches.element_spec["image"].shape)
"""
    with tempfile.TemporaryDirectory() as folder:
        result = subprocess.run(
            [sys.executable, "-c", code],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(pathlib.Path(__file__).parents[2])},
            capture_output=True,
            text=True,
            check=False,
        )
    assert result.returncode == 0, result.stderr
    assert "(2, 64, 64, 3)" in result.stdout
