import numpy as np
import pytest

from tf_facerecon.morphable_models.albedo import laplacian_fields

ROWS, COLUMNS = 21, 31
WIDTH, HEIGHT = 3.0, 2.0


def sheet(rows=ROWS, columns=COLUMNS):
    """A flat rectangle, symmetric about x = 0: vertices, triangles, mirror."""
    x, y = np.meshgrid(np.linspace(-WIDTH / 2, WIDTH / 2, columns), np.linspace(0, HEIGHT, rows))
    index = np.arange(x.size).reshape(rows, columns)
    a, b, c, d = (
        corner.ravel()
        for corner in (index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1])
    )
    triangles = np.concatenate([np.stack([a, b, c], -1), np.stack([a, c, d], -1)])
    vertices = np.stack([x, y, 0 * x], axis=-1).reshape(-1, 3)
    return vertices, triangles, index[:, ::-1].ravel()


def test_variances_and_parity():
    vertices, triangles, mirror = sheet()
    where = np.ones(len(vertices), bool)
    modes = laplacian_fields.smooth_fields(vertices, triangles, where, 0.5, 40, mirror)
    assert modes["even"][0].sum() + modes["odd"][0].sum() == pytest.approx(1.0)
    for parity, sign in (("even", 1.0), ("odd", -1.0)):
        variances, fields = modes[parity]
        assert (np.diff(variances) <= 1e-12).all()
        np.testing.assert_allclose(fields[mirror], sign * fields, atol=1e-9)
    total = sum((fields**2).sum(axis=-1) for _, fields in modes.values())
    np.testing.assert_allclose(total, 1.0, atol=1e-9)


def test_modes_are_those_of_a_rectangle():
    """Neumann eigenfunctions cos(pi m x / w) cos(pi n y / h); their variances follow the kernel."""
    vertices, triangles, mirror = sheet(41, 61)
    where = np.ones(len(vertices), bool)
    length = 0.4
    modes = laplacian_fields.smooth_fields(vertices, triangles, where, length, 6, mirror)
    m, n = np.meshgrid(np.arange(8), np.arange(8))
    eigenvalue = np.pi**2 * ((m / WIDTH) ** 2 + (n / HEIGHT) ** 2)
    for parity, start in (("even", 0), ("odd", 1)):
        expected = np.exp(-0.5 * length**2 * np.sort(eigenvalue[m % 2 == start])[:6])
        found = modes[parity][0]
        np.testing.assert_allclose(found / found[0], expected / expected[0], rtol=0.03)
    # The first even mode is constant but for the common scale of all modes at a vertex.
    first_odd = modes["odd"][1][:, 0] / modes["even"][1][:, 0]
    wave = np.sin(np.pi * vertices[:, 0] / WIDTH)
    assert abs(np.corrcoef(first_odd, wave)[0, 1]) > 0.999


def test_fields_do_not_depend_on_the_mesh():
    variances = []
    for size in ((21, 31), (31, 45)):
        vertices, triangles, _ = sheet(*size)
        where = np.ones(len(vertices), bool)
        modes = laplacian_fields.smooth_fields(vertices, triangles, where, 0.5, 10)
        assert modes["odd"][0].size == 0 and modes["odd"][1].shape == (len(vertices), 0)
        variances.append(modes["even"][0])
    np.testing.assert_allclose(variances[0], variances[1], rtol=0.03)


def test_fields_are_zero_outside_the_region():
    vertices, triangles, mirror = sheet()
    where = vertices[:, 1] < 1.0
    fields = laplacian_fields.smooth_fields(vertices, triangles, where, 0.5, 5, mirror)["even"][1]
    assert not fields[~where].any() and np.abs(fields[where]).max(axis=0).min() > 0


def test_empty_region_exception_raised():
    vertices, triangles, _ = sheet()
    with pytest.raises(ValueError, match="at least one triangle"):
        laplacian_fields.smooth_fields(vertices, triangles, np.zeros(len(vertices)), 0.5, 5)


def test_asymmetric_region_exception_raised():
    vertices, triangles, mirror = sheet()
    with pytest.raises(ValueError, match="`mirror_index` must be an involution"):
        laplacian_fields.smooth_fields(vertices, triangles, vertices[:, 0] < 0.5, 0.5, 5, mirror)
