import numpy as np
import pytest

from tests.morphable_models import made_up_models
from tf_facerecon.morphable_models import compact_basis, model_file


def test_encode_basis_preset():
    basis = np.array([0.0, 2.0, -1.0]).reshape(3, 1, 1) * np.ones((1, 3, 1))
    stored, steps = compact_basis.encode_basis(basis.astype(np.float32), 0.5)
    assert stored.shape == (2, 1, 3, 3) and stored.dtype == np.uint8
    np.testing.assert_array_equal(steps, [0.5])
    # Numbers 0, 4, -2; differences 0, 4, -6; folded 0, 8, 11.
    np.testing.assert_array_equal(stored[0, 0], [[0, 8, 11]] * 3)
    np.testing.assert_array_equal(stored[1], 0)
    np.testing.assert_array_equal(compact_basis.decode_basis(stored, steps), basis)


def test_round_trip_is_within_half_a_step_random(rng):
    basis = rng.normal(size=(200, 3, 6)) * 10.0 ** np.arange(-6, 0)
    basis[5, 0, 5] = -1e3  # Differences beyond 16 bits wrap round and come back.
    basis[6, 0, 5] = 1e3
    basis = basis.astype(np.float32)
    stored, steps = compact_basis.encode_basis(basis, 1e-4)
    restored = compact_basis.decode_basis(stored, steps)
    assert restored.dtype == np.float32 and restored.flags.c_contiguous
    assert (np.abs(restored - basis) <= 0.501 * steps).all()
    assert steps[0] == np.float32(1e-4) and steps[5] == pytest.approx(1e3 / 32767)
    again, same = compact_basis.encode_basis(restored, 1e-4)
    np.testing.assert_array_equal(again, stored)
    np.testing.assert_array_equal(same, steps)


def test_errors_preset():
    step = compact_basis.SHAPE_STEP
    basis = np.zeros((2, 3, 1), np.float32)
    basis[1, 0] = 0.4 * step
    fields = {
        "identity_basis": basis,
        "expression_basis": basis,
        "expression_range": None,
        "albedo_basis": np.full((2, 3, 1), 0.4 * compact_basis.COLOUR_STEP, np.float32),
    }
    assert compact_basis.shape_error_mm(fields) == pytest.approx(2 * 3 * 100 * 0.4 * step)
    fields["expression_range"] = np.array([[0.0, 1.0]])
    assert compact_basis.shape_error_mm(fields) == pytest.approx((3 + 1) * 100 * 0.4 * step)
    assert compact_basis.colour_error(fields) == pytest.approx(3 * 0.4 * compact_basis.COLOUR_STEP)


def test_compact_file_is_small_and_read_back(tmp_path):
    model = made_up_models.made_up_model()
    error = model.save(tmp_path / "small.npz", compact=True)
    model.save(tmp_path / "whole.npz")
    small = type(model).load(tmp_path / "small.npz")
    assert 0 < error < 0.05
    for name in model_file.BASES:
        np.testing.assert_allclose(getattr(small, name), getattr(model, name), atol=4e-5)
        assert getattr(small, name).dtype == np.float32
    np.testing.assert_array_equal(small.mean_shape, model.mean_shape)
    sizes = [(tmp_path / name).stat().st_size for name in ("small.npz", "whole.npz")]
    assert sizes[0] < sizes[1]
    with pytest.raises(ValueError, match="Received: both"):
        model.save(tmp_path / "both.npz", half=True, compact=True)
    assert not (tmp_path / "both.npz").exists()


def test_damaged_compact_file_exception_raised(tmp_path):
    model = made_up_models.made_up_model()
    path = tmp_path / "model.npz"
    model.save(path, compact=True)
    with np.load(path) as archive:
        members = {name: archive[name] for name in archive.files}
    for change in ({"identity_basis_step": members["identity_basis_step"][:-1]}, {}):
        damaged = {**members, **change}
        if not change:
            del damaged["identity_basis_step"]
        damaged["checksum"] = np.array(model_file._checksum(damaged))
        np.savez(path, **damaged)
        with pytest.raises(ValueError, match="identity_basis_step"):
            type(model).load(path)
