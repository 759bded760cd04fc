"""`arcface`; parity of its network with PyTorch is tested in `converters`."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_facerecon.geometry import similarity_warp
from tf_facerecon.models import aligned_identity_network, arcface, identity_network
from tf_facerecon.models.backbones import iresnet50


@pytest.fixture(scope="module")
def network():
    keras.utils.set_random_seed(3)
    return iresnet50.build_iresnet50()


def test_arcface_unit_vectors_of_warped_faces(network, rng):
    embed = arcface.ArcFace(network)
    images = rng.random((2, 224, 224, 3), dtype=np.float32)
    points = np.stack(
        [aligned_identity_network._CROP_POINTS, aligned_identity_network._CROP_POINTS + [9.0, -4.0]]
    )
    points = points.astype(np.float32)
    vectors = embed(images, five_points=points).numpy()
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=-1), 1.0, atol=1e-5)
    # The second face is moved: with its points it looks like the first one.
    matrices = similarity_warp.arcface_matrix(points)
    crops = similarity_warp.warp_by_similarity(images, matrices)
    expected = network(crops).numpy()
    expected /= np.linalg.norm(expected, axis=-1, keepdims=True)
    np.testing.assert_allclose(vectors, expected, atol=1e-5)
    np.testing.assert_allclose(embed(images)[0], vectors[0], atol=1e-5)


def test_arcface_gradient_of_a_crop(network, rng):
    embed = arcface.ArcFace(network)
    images = tf.constant(rng.random((1, 224, 224, 3), dtype=np.float32))
    with tf.GradientTape() as tape:
        tape.watch(images)
        value = tf.reduce_sum(embed(images)[:, :3])
    gradient = tape.gradient(value, images).numpy()
    assert np.isfinite(gradient).all() and np.abs(gradient).max() > 0
    assert embed.trainable_variables == () and not network.trainable_variables
    with pytest.raises(ValueError, match="ArcFace is frozen"):
        embed(images, training=True)


def test_load_arcface_of_a_keras_file(network, rng, tmp_path):
    network.save(tmp_path / "arcface.keras")
    images = rng.random((1, 224, 224, 3), dtype=np.float32)
    loaded = arcface.load_arcface(tmp_path / "arcface.keras")
    np.testing.assert_allclose(loaded(images), arcface.ArcFace(network)(images), atol=1e-5)
    named = identity_network.load_identity_network("arcface", tmp_path / "arcface.keras")
    assert isinstance(named, arcface.ArcFace) and named.embedding_size == 512
    by_path = identity_network.load_identity_network(str(tmp_path / "arcface.keras"))
    assert isinstance(by_path, arcface.ArcFace)
    assert arcface.is_arcface_file("backbone.pth")
    assert not arcface.is_arcface_file("identity_small")
    with pytest.raises(FileNotFoundError, match="ArcFace needs its weights"):
        identity_network.load_identity_network("arcface")
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]).save(tmp_path / "other.keras")
    with pytest.raises(ValueError, match=r"must be a network from \[B, 112, 112, 3\]"):
        arcface.load_arcface(tmp_path / "other.keras")
    (tmp_path / "damaged.keras").write_bytes(b"nothing")
    with pytest.raises(ValueError, match="not a readable"):
        arcface.load_arcface(tmp_path / "damaged.keras")
    for name in ("absent.keras", "absent.pth"):
        with pytest.raises(FileNotFoundError):
            arcface.load_arcface(tmp_path / name)
