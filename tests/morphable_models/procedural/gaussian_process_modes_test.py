import numpy as np

from tf_facerecon.morphable_models.procedural import gaussian_process_modes


def test_leading_modes_preset():
    covariance = np.diag([1.0, 9.0, 4.0])
    values, vectors = gaussian_process_modes.leading_modes(covariance, 2)
    np.testing.assert_allclose(values, [9.0, 4.0])
    np.testing.assert_allclose(vectors, [[0, 0], [1, 0], [0, 1]], atol=1e-12)


def test_leading_modes_signs_are_canonical_random(rng):
    root = rng.normal(size=(12, 12))
    covariance = root @ root.T
    _, vectors = gaussian_process_modes.leading_modes(covariance, 5)
    largest = np.take_along_axis(vectors, np.abs(vectors).argmax(axis=0)[None], axis=0)
    assert (largest > 0).all()


def test_parity_kernels_preset():
    a, b = np.array([[0.5, 1.0]]), np.array([[0.5, 1.0], [-0.5, 3.0]])
    direct, mirrored = gaussian_process_modes.parity_kernels(a, b, (0.5, 2.0))
    np.testing.assert_allclose(direct, [[1.0, np.exp(-2.5)]], rtol=1e-12)
    np.testing.assert_allclose(mirrored, [[np.exp(-2.0), np.exp(-0.5)]], rtol=1e-12)


def test_scalar_modes_reproduce_kernel_at_control_points():
    control = gaussian_process_modes.control_points()
    place = control.points.position
    window = np.ones(len(place))
    count = len(place)
    modes = gaussian_process_modes.scalar_modes(
        place, place, window, window, (0.3, 0.3, 0.3), count // 2
    )
    direct, mirrored = gaussian_process_modes.parity_kernels(place, place, (0.3, 0.3, 0.3))
    for parity, sign in (("even", 1.0), ("odd", -1.0)):
        values, fields = modes[parity]
        # Half of the modes hold nearly all of a smooth covariance: sum of outer products = kernel.
        np.testing.assert_allclose(fields @ fields.T, (direct + sign * mirrored) / 2, atol=2e-3)
        assert (np.diff(values) <= 0).all()


def test_control_points_preset():
    control = gaussian_process_modes.control_points()
    assert (control.points.s >= 0).all()
    np.testing.assert_array_equal(control.weights, np.where(control.points.s > 0, 2.0, 1.0))
    # Beside the mouth's between points know on which lip they are.
    beside = (control.points.s < 0.2) & (np.abs(control.points.t + 0.36) < 0.05)
    assert set(control.points.lip_side[beside]) == {-1.0, 1.0}
