import keras
import numpy as np

from tf_facerecon.models.backbones import small


def test_small_backbone_other_size_and_dtype(rng):
    backbone = small.build_small_backbone(64, num_points=5, hidden=8, dtype="mixed_bfloat16")
    features = backbone(rng.random((3, 64, 64, 3), dtype=np.float32))
    assert features["shallow"].shape == (3, 8, 8, 64)
    assert features["deep"].shape == (3, 8 + 2 * 5)
    assert keras.backend.standardize_dtype(features["shallow"].dtype) == "bfloat16"


def test_small_backbone_does_not_round_positions(rng):
    """Under half precision, positions still leave the network as they were found, in float32."""
    backbone = small.build_small_backbone(64, num_points=5, hidden=8, dtype="mixed_bfloat16")
    features = backbone(rng.random((3, 64, 64, 3), dtype=np.float32))
    deep, found = features["deep"], features["points"]
    assert keras.backend.standardize_dtype(deep.dtype) == "float32"
    assert found.shape == (3, 5, 2)
    np.testing.assert_array_equal(deep[:, 8:], np.reshape(found, (3, 10)))
    rounded = keras.ops.cast(keras.ops.cast(found, "bfloat16"), "float32")
    assert np.any(np.asarray(rounded) != np.asarray(found))


def test_small_backbone_averages_pairs_of_pixels(rng):
    """The network sees the image at half its size: noise inside 2 x 2 cells is invisible."""
    backbone = small.build_small_backbone(64)
    coarse = rng.random((1, 32, 32, 3))
    smooth = np.repeat(np.repeat(coarse, 2, axis=1), 2, axis=2)
    checkers = 0.01 * (-1.0) ** np.indices((64, 64)).sum(axis=0)[None, :, :, None]
    np.testing.assert_allclose(
        backbone((smooth + checkers).astype(np.float32))["deep"],
        backbone(smooth.astype(np.float32))["deep"],
        atol=1e-5,
    )
