import keras
import numpy as np
import pytest

from tests.layers.keras_layer_contract import run_layer_test
from tests.morphable_models.made_up_models import made_up_model
from tf_facerecon.layers.morphable_face import MorphableFace


def test_call_equals_float64_sum(rng):
    model = made_up_model()
    alpha, beta, delta = (rng.standard_normal((2, k)) for k in (80, 64, 80))
    shape, albedo = MorphableFace(model)(alpha, beta, delta)
    expected_shape = (
        model.mean_shape.astype(np.float64)
        + np.einsum("vck,bk->bvc", model.identity_basis.astype(np.float64), alpha)
        + np.einsum("vck,bk->bvc", model.expression_basis.astype(np.float64), beta)
    )
    expected_albedo = model.mean_albedo + np.einsum("vck,bk->bvc", model.albedo_basis, delta)
    np.testing.assert_allclose(shape, expected_shape, atol=1e-5)
    np.testing.assert_allclose(albedo, expected_albedo, atol=1e-5)


def test_basis_is_no_weight():
    layer = MorphableFace(made_up_model())
    layer(np.zeros((1, 80)), np.zeros((1, 64)), np.zeros((1, 80)))
    assert layer.weights == []


def test_saved_layer_finds_the_same_model_again(tmp_path, monkeypatch):
    monkeypatch.setenv("TF_FACERECON_HOME", str(tmp_path))
    model = made_up_model()
    saved = keras.saving.serialize_keras_object(MorphableFace(model))
    # Keras wraps what goes wrong in `from_config` in a TypeError; the reason must survive in it.
    with pytest.raises(TypeError, match="There is no face model 'made-up'"):
        keras.saving.deserialize_keras_object(saved)
    (tmp_path / "face_models").mkdir()
    model.save(tmp_path / "face_models" / "made-up.npz")
    revived = keras.saving.deserialize_keras_object(saved)
    assert revived.face_model.fingerprint == model.fingerprint
    made_up_model(seed=1).save(tmp_path / "face_models" / "made-up.npz")
    with pytest.raises(TypeError, match="not the one that was saved with"):
        keras.saving.deserialize_keras_object(saved)


def test_call_exception_raised():
    with pytest.raises(ValueError, match="`identity`"):
        MorphableFace(made_up_model())(np.zeros((1, 79)), np.zeros((1, 64)), np.zeros((1, 80)))


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "float16", "float64"])
def test_call_is_float32_under_every_policy(policy):
    layer = MorphableFace(made_up_model(), dtype=policy)
    assert layer.dtype_policy.name == "float32"
    outputs = layer(np.zeros((1, 80)), np.zeros((1, 64)), np.zeros((1, 80)))
    assert {output.dtype.name for output in outputs} == {"float32"}
    assert not layer.trainable


def test_keras_layer_test(tmp_path, monkeypatch):
    monkeypatch.setenv("TF_FACERECON_HOME", str(tmp_path))
    (tmp_path / "face_models").mkdir()
    model = made_up_model()
    model.save(tmp_path / "face_models" / "made-up.npz")
    shapes = {"identity_shape": (2, 80), "expression_shape": (2, 64), "texture_shape": (2, 80)}
    vertices = (2, model.num_vertices, 3)
    run_layer_test(
        MorphableFace,
        {"face_model": "made-up"},
        shapes,
        (vertices, vertices),
        run_training_check=False,
    )
