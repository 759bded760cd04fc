"""The decoder composed anew from its layers in a functional model, as a user would."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests import toy_face
from tf_facerecon.geometry.camera import PerspectiveCamera
from tf_facerecon.layers.face_decoder import FaceDecoder
from tf_facerecon.layers.mesh_renderer import MeshRenderer
from tf_facerecon.layers.morphable_face import MorphableFace
from tf_facerecon.layers.perspective_projection import ClipSpaceProjection, PerspectiveProjection
from tf_facerecon.layers.pose_transform import PoseTransform
from tf_facerecon.layers.spherical_harmonics_illumination import SphericalHarmonicsIllumination
from tf_facerecon.layers.vertex_normals import VertexNormals

CAMERA = PerspectiveCamera(focal=290.0, image_size=64)


@pytest.fixture(scope="module")
def face_model():
    return toy_face.build_toy_face_model()


@pytest.fixture(scope="module")
def decoder(face_model):
    return FaceDecoder(face_model, camera=CAMERA)


@pytest.fixture(scope="module")
def coefficients(decoder):
    rng = np.random.default_rng(16)
    return tf.constant(0.2 * rng.standard_normal((2, decoder.layout.total)), tf.float32)


def compose_decoder(face_model, layout, backend="native"):
    """A functional model of coefficients `[B, layout.total]` to image and landmarks."""
    coefficients = keras.Input((layout.total,))
    ends = np.cumsum(list(layout.sizes.values()))[:-1].tolist()
    groups = dict(zip(layout.sizes, keras.ops.split(coefficients, ends, axis=-1), strict=True))
    shape, albedo = MorphableFace(face_model)(
        groups["identity"], groups["expression"], groups["texture"]
    )
    pose = PoseTransform()
    vertices = pose(shape, groups["rotation"], groups["translation"])
    normals = pose(VertexNormals(face_model.triangles)(shape), groups["rotation"])
    colours = SphericalHarmonicsIllumination()(albedo, normals, groups["lighting"])
    clip_vertices = ClipSpaceProjection(CAMERA)(vertices)
    renderer = MeshRenderer(face_model.triangles, (CAMERA.image_size,) * 2, backend=backend)
    image = renderer(clip_vertices, colours)["attributes"]
    landmarks = PerspectiveProjection(CAMERA)(
        keras.ops.take(vertices, face_model.landmarks.tolist(), axis=1)
    )
    return keras.Model(coefficients, {"image": image, "landmarks": landmarks})


def outputs_and_gradient(model, coefficients):
    with tf.GradientTape() as tape:
        tape.watch(coefficients)
        face = model(coefficients)
        loss = tf.reduce_sum(face["image"] ** 2) + 1e-3 * tf.reduce_sum(face["landmarks"] ** 2)
    return face, tape.gradient(loss, coefficients)


@pytest.mark.parametrize("backend", ["native", "tensorflow_graphics"])
def test_decoder_from_parts_equals_the_decoder(face_model, decoder, coefficients, backend):
    if backend == "tensorflow_graphics":
        pytest.importorskip("tensorflow_graphics.rendering.barycentrics")
    composed = compose_decoder(face_model, decoder.layout, backend)
    expected, expected_gradient = outputs_and_gradient(decoder, coefficients)
    received, gradient = outputs_and_gradient(composed, coefficients)
    assert 0.1 < expected["mask"].numpy().mean() < 1
    np.testing.assert_allclose(received["image"], expected["image"], atol=1e-5)
    np.testing.assert_allclose(received["landmarks"], expected["landmarks"], atol=1e-4)
    largest = np.abs(expected_gradient).max()
    np.testing.assert_allclose(gradient, expected_gradient, atol=1e-4 * largest)


@pytest.mark.parametrize("backend", ["native", "tensorflow_graphics"])
def test_backends_of_the_decoder_render_and_train_alike(face_model, decoder, coefficients, backend):
    """One training step of a network before the decoder lowers the loss to the same value."""
    if backend == "tensorflow_graphics":
        pytest.importorskip("tensorflow_graphics.rendering.barycentrics")
    features = keras.Input((4,))
    layout = decoder.layout
    own_decoder = FaceDecoder(face_model, camera=CAMERA, renderer_backend=backend)
    for decode in (own_decoder, compose_decoder(face_model, layout, backend)):
        dense = keras.layers.Dense(layout.total, kernel_initializer="zeros")
        model = keras.Model(features, decode(dense(features))["image"])
        model.compile(keras.optimizers.SGD(1e-2), "mse")
        target = decoder(coefficients)["image"]
        inputs = tf.ones([2, 4])
        before = model.train_on_batch(inputs, target)
        after = model.test_on_batch(inputs, target)
        assert after < before
        # What the native decoder's gradient says the step must be.
        with tf.GradientTape() as tape:
            zero = tf.zeros([2, layout.total])
            tape.watch(zero)
            loss = tf.reduce_mean((decoder(zero)["image"] - target) ** 2)
        step = -1e-2 * tf.reduce_sum(tape.gradient(loss, zero), axis=0)
        np.testing.assert_allclose(before, loss, rtol=1e-5)
        np.testing.assert_allclose(dense.bias, step, atol=1e-4 * np.abs(step).max())


def test_composed_decoder_round_trip(decoder, coefficients, tmp_path, monkeypatch):
    monkeypatch.setenv("TF_FACERECON_HOME", str(tmp_path))
    (tmp_path / "face_models").mkdir()
    model = decoder.face_model
    model.save(tmp_path / "face_models" / f"{model.name}.npz")
    composed = compose_decoder(model, decoder.layout)
    composed.save(tmp_path / "composed.keras")
    loaded = keras.models.load_model(tmp_path / "composed.keras")
    for name, expected in composed(coefficients).items():
        np.testing.assert_array_equal(loaded(coefficients)[name], expected)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "float64"])
def test_composed_decoder_is_float32_under_every_global_policy(
    face_model, decoder, coefficients, policy
):
    previous = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        composed = compose_decoder(face_model, decoder.layout)
        received = composed(coefficients)
    finally:
        keras.config.set_dtype_policy(previous)
    np.testing.assert_allclose(received["image"], decoder(coefficients)["image"], atol=1e-5)


def test_symbolic_decoder_has_the_shapes_and_types_of_its_outputs(decoder, coefficients):
    for render in (True, False):
        symbolic = decoder(keras.Input((decoder.layout.total,)), render=render)
        face = decoder(coefficients, render=render)
        assert symbolic.keys() == face.keys()
        for name, value in face.items():
            assert symbolic[name].shape == (None, *value.shape[1:]), name
            assert symbolic[name].dtype == value.dtype.name
    with pytest.raises(ValueError, match="`coefficients`"):
        decoder(keras.Input((decoder.layout.total + 1,)))
