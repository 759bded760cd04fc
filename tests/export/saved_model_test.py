"""The exported SavedModel gives the same outputs as the Python pipeline."""

import dataclasses
import io

import numpy as np
import PIL.Image
import pytest
import tensorflow as tf

from tests.toy_reconstruction import build_toy_network
from tf_facerecon.export import saved_model
from tf_facerecon.geometry import rotations
from tf_facerecon.layers.face_decoder import FaceDecoder
from tf_facerecon.morphable_models import expression_limits


@pytest.fixture(scope="module")
def parts(toy_reconstructor):
    """A network with random heads: zero outputs would hide mistakes."""
    r_net = build_toy_network(toy_reconstructor.decoder)
    rng = np.random.default_rng(1)
    for kernel in r_net.heads.trainable_variables:
        kernel.assign(0.05 * rng.standard_normal(kernel.shape))
    return r_net, toy_reconstructor.decoder


@pytest.fixture(scope="module")
def loaded(parts, tmp_path_factory):
    folder = tmp_path_factory.mktemp("serving") / "model"
    assert saved_model.export_saved_model(*parts, folder) == folder
    return tf.saved_model.load(folder)


@pytest.mark.parametrize("batch", [1, 3])
def test_export_equals_pipeline_random(parts, loaded, rng, batch):
    images = rng.uniform(size=(batch, 224, 224, 3)).astype(np.float32)
    served = loaded.signatures["serving_default"](image=tf.constant(images))
    assert set(served) == set(saved_model.OUTPUTS)
    r_net, decoder = parts
    coefficients = expression_limits.limit_coefficients(  # As `FaceReconstructor` does.
        decoder.face_model, decoder.layout, r_net(images, training=False)
    ).numpy()
    assert np.abs(coefficients).max() > 0.01
    decoded = decoder(coefficients)
    np.testing.assert_allclose(served["coefficients"], coefficients, atol=1e-5)
    np.testing.assert_allclose(served["vertices"], decoded["vertices"], atol=1e-5)
    np.testing.assert_allclose(served["landmarks"], decoded["landmarks"], atol=1e-3)
    groups = decoder.layout.split(coefficients)
    rotation = rotations.rotation_matrix_from_euler(groups["rotation"])
    np.testing.assert_allclose(served["pose"][:, :3, :3], rotation, atol=1e-5)
    np.testing.assert_allclose(served["pose"][:, :3, 3], groups["translation"], atol=1e-5)
    np.testing.assert_array_equal(served["pose"][:, 3], np.tile([0, 0, 0, 1], (batch, 1)))


def test_export_encoded_signature(loaded, rng):
    images = rng.integers(0, 256, (2, 224, 224, 3)).astype(np.uint8)
    files = []
    for image in images:
        stream = io.BytesIO()
        PIL.Image.fromarray(image).save(stream, "PNG")
        files.append(stream.getvalue())
    served = loaded.signatures[saved_model.ENCODED_SIGNATURE](image_bytes=tf.constant(files))
    floats = tf.constant(images / np.float32(255.0))
    expected = loaded.signatures["serving_default"](image=floats)
    for name in saved_model.OUTPUTS:
        np.testing.assert_allclose(served[name], expected[name], atol=1e-3)


def test_export_licensed_exception_raised(parts, tmp_path):
    r_net, decoder = parts
    licensed = dataclasses.replace(decoder.face_model, redistributable=False, licence="no copies")
    decoder = FaceDecoder(licensed)
    with pytest.raises(ValueError, match="'toy' is not redistributable .licence: no copies"):
        saved_model.export_saved_model(r_net, decoder, tmp_path / "model")
    assert not list(tmp_path.iterdir())
    saved_model.export_saved_model(
        r_net, decoder, tmp_path / "model", allow_licensed_face_model=True
    )
    assert (tmp_path / "model" / "saved_model.pb").is_file()


def test_export_exists_exception_raised(parts, tmp_path):
    with pytest.raises(FileExistsError, match="exists already"):
        saved_model.export_saved_model(*parts, tmp_path)
