import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.morphable_models.made_up_models import made_up_model
from tf_facerecon.models import r_net

RELOAD = """
import sys
import keras, numpy as np
from tf_facerecon.models import r_net

model = keras.models.load_model(sys.argv[1])
images = np.load(sys.argv[2])
np.save(sys.argv[3], model(images).numpy())
assert isinstance(model, r_net.RNet)
assert (model.face_model, model.face_model_fingerprint) == ("procedural-500", "f00d")
"""


@pytest.fixture
def images(rng) -> np.ndarray:
    return rng.random((2, 224, 224, 3), dtype=np.float32)


@pytest.fixture(scope="module")
def small_net() -> r_net.RNet:
    """Small network whose heads and statistics are not those of a fresh one."""
    net = r_net.RNet("small", face_model="procedural-500", face_model_fingerprint="f00d")
    rng = np.random.default_rng(3)
    for variable in net.variables:
        noise = rng.normal(0, 0.02, variable.shape)
        if np.issubdtype(np.dtype(variable.dtype), np.floating):
            variable.assign(
                np.abs(variable + noise) if "variance" in variable.path else variable + noise
            )
    return net


@pytest.mark.parametrize("lighting, width", [(27, 257), (9, 239)])
def test_r_net_starts_at_the_mean_face(images, lighting, width):
    net = r_net.RNet("small", lighting=lighting)
    coefficients = net(images, training=True)
    assert coefficients.dtype == tf.float32
    np.testing.assert_array_equal(coefficients, np.zeros((2, width)))
    assert net.compute_output_shape((2, 224, 224, 3)) == (2, width)


def test_r_net_for_face_model_predicts_all_its_coefficients():
    model = made_up_model()
    net = r_net.RNet.for_face_model(model, "small", lighting=9)
    sizes = net.heads.layout.sizes
    assert (sizes["identity"], sizes["expression"]) == (
        model.identity_basis.shape[-1],
        model.expression_basis.shape[-1],
    )
    assert (sizes["texture"], sizes["lighting"]) == (model.albedo_basis.shape[-1], 9)
    assert (net.face_model, net.face_model_fingerprint) == (model.name, model.fingerprint)


def test_r_net_small_size_preset():
    assert r_net.RNet("small").count_params() == 2_767_089


def test_r_net_every_weight_learns(small_net, images):
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(small_net(images, training=True) ** 2)
    gradients = tape.gradient(loss, small_net.trainable_variables)
    for variable, gradient in zip(small_net.trainable_variables, gradients, strict=True):
        assert np.abs(gradient.numpy()).max() > 0, variable.path


def test_r_net_sees_where_things_are(small_net):
    """A bright spot that moves by three pixels moves the deep feature."""
    images = np.zeros((2, 224, 224, 3), np.float32)
    images[0, 100:108, 100:108] = 1.0
    images[1, 100:108, 103:111] = 1.0
    deep = small_net.features(images)["deep"].numpy()
    assert np.linalg.norm(deep[0] - deep[1]) > 1e-3 * np.linalg.norm(deep[0])


def test_r_net_features_shapes(small_net, images):
    features = small_net.features(images)
    assert features["shallow"].shape == (2, 28, 28, 64)
    assert features["points"].shape == (2, 160, 2)
    assert features["deep"].shape == (2, 832)
    np.testing.assert_allclose(small_net.heads(features["deep"]), small_net(images), rtol=1e-6)


def test_r_net_fit_learns_a_constant(images):
    net = r_net.RNet("small")
    target = np.tile(np.linspace(-1, 1, 257, dtype=np.float32), (2, 1))
    net.compile(keras.optimizers.Adam(1e-3), "mse")
    history = net.fit(images, target, batch_size=2, epochs=8, verbose=0).history["loss"]
    assert history[-1] < 0.5 * history[0]


def test_r_net_reload_in_fresh_process(small_net, images, tmp_path):
    model_path, images_path, output_path = (
        str(tmp_path / name) for name in ("net.keras", "images.npy", "output.npy")
    )
    small_net.save(model_path)
    np.save(images_path, images)
    command = [sys.executable, "-c", RELOAD, model_path, images_path, output_path]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    np.testing.assert_allclose(np.load(output_path), small_net(images), atol=1e-6)


def test_r_net_config_complete(small_net):
    config = small_net.get_config()
    revived = r_net.RNet.from_config(config)
    assert revived.get_config() == config


def test_r_net_stores_where_its_landmarks_lie(tmp_path):
    r_net.RNet("small", half_pixel_offset=True).save(tmp_path / "net.keras")
    assert r_net.RNet.from_preset(tmp_path / "net.keras").half_pixel_offset is True
    earlier = r_net.RNet("small").get_config()
    del earlier["half_pixel_offset"]
    assert r_net.RNet.from_config(earlier).half_pixel_offset is False


def test_r_net_mixed_precision(images, tmp_path):
    net = r_net.RNet("small", dtype="mixed_bfloat16")
    assert net(images).dtype == tf.float32
    assert net.features(images)["shallow"].dtype == tf.bfloat16
    assert all(variable.dtype != "bfloat16" for variable in net.trainable_variables)
    net.save(tmp_path / "net.keras")
    revived = keras.models.load_model(tmp_path / "net.keras")
    assert revived.features(images)["shallow"].dtype == tf.bfloat16


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"backbone": "resnet18"}, "`backbone` must be one of"),
        ({"backbone": "small", "backbone_weights": "imagenet"}, "`backbone_weights`"),
        ({"backbone": "small", "backbone_variant": "deep3d_pytorch"}, "`backbone_variant`"),
        ({"backbone_variant": "resnet18"}, "`variant` must be one of"),
        ({"backbone": "small", "translation": 2}, "`rotation` and `translation` must be 3"),
        ({"backbone": "small", "identity": 0}, "`identity` must be at least 1"),
        ({"backbone": "small", "head_scales": {"pose": 1.0}}, "`scales` must name heads"),
    ],
)
def test_r_net_exception_raised(arguments, message):
    with pytest.raises(ValueError, match=message):
        r_net.RNet(**arguments)


def test_resnet50_r_net_shapes_and_topology(images):
    net = r_net.RNet("resnet50", lighting=9)
    features = net.features(images[:1])
    assert features["shallow"].shape == (1, 56, 56, 256)
    assert features["deep"].shape == (1, 2048)
    # Keras adds a bias to each of the 53 convolutions (26 560 numbers) to the 23 508 032 weights.
    trainable = sum(int(np.prod(v.shape)) for v in net.backbone.trainable_variables)
    assert trainable == 23_508_032 + 26_560
    assert net(images[:1]).shape == (1, 239)
