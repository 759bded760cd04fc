import numpy as np
import pytest

from tf_facerecon.morphable_models.procedural import (
    annotations,
    expression_modes,
    mean_face,
    topology,
)


@pytest.fixture(scope="module")
def mesh():
    return topology.build_mesh(topology.MIN_VERTICES)


def test_expression_names_name_the_modes_in_order(mesh):
    points = mean_face.FacePoints.on_surface(mesh.s, mesh.t, mesh.lip_side)
    named = expression_modes._named_modes(points)
    names = annotations.expression_names(64)
    assert len(names) == len(set(names)) == 64
    assert names[len(named)] == "field_01" and names[-1] == f"field_{64 - len(named):02d}"
    assert names[len(named) - 1].endswith("_skewed")
    moved = dict(zip(names, named, strict=False))
    landmarks = mesh.landmarks
    assert moved["jaw_open"][landmarks[8], 1] < 0
    corner = moved["smile"][landmarks[54]]
    assert corner[0] > 0 and corner[1] > 0
    assert moved["frown"][landmarks[54], 1] < 0
    assert moved["eye_close"][landmarks[44], 1] < 0
    assert moved["inner_brow_up"][landmarks[22], 1] > moved["inner_brow_up"][landmarks[26], 1]
    assert moved["outer_brow_up"][landmarks[25], 1] > moved["outer_brow_up"][landmarks[22], 1]
    assert moved["brow_down"][landmarks[24], 1] < 0
    assert moved["upper_lip_up"][landmarks[62], 1] > 0
    assert moved["lower_lip_down"][landmarks[66], 1] < 0
    assert moved["chin_up"][landmarks[8], 1] > 0
    assert moved["mouth_sideways"][landmarks[51], 0] > 0
    skewed = moved["smile_skewed"][landmarks[[48, 54]], 1]
    assert skewed[0] == pytest.approx(-skewed[1], rel=0.1)


def test_mirror_index_is_an_exact_mirror(mesh):
    index = annotations.mirror_index(mesh)
    np.testing.assert_array_equal(index[index], np.arange(len(index)))
    np.testing.assert_allclose(mesh.s[index], -mesh.s, atol=1e-9)
    for name in ("t", "mouth_row", "lip_side"):
        values = getattr(mesh, name)
        np.testing.assert_allclose(values[index], values, atol=1e-9)
    jaw = mesh.landmarks[:17]
    np.testing.assert_array_equal(index[jaw], jaw[::-1])


def test_regions_preset(mesh):
    regions = annotations.regions(mesh)
    landmarks = mesh.landmarks
    assert set(regions) == {"small_face", "eyes", "lips"}
    assert regions["small_face"][landmarks[17:]].all()
    assert not regions["small_face"][landmarks[[0, 1, 2, 14, 15, 16]]].any()
    # Above the outer lip line of landmark 51, between the lids of landmarks 37 and 41.
    assert regions["lips"][landmarks[[61, 63, 65, 67]]].min() > 0.5
    assert regions["lips"][landmarks[:48]].max() == 0
    eye = (np.abs(mesh.s - 0.31) < 0.05) & (np.abs(mesh.t - 0.30) < 0.02)
    assert regions["eyes"][eye].min() > 0.9
    for region in regions.values():
        assert region.dtype == np.float32
        assert 0 <= region.min() and region.max() <= 1
        assert not region[mesh.mouth_row >= 0].any()


def test_mode_scales_preset():
    basis = np.zeros((2, 3, 2), np.float32)
    basis[:, 0, 0] = 3.0, 4.0
    np.testing.assert_array_equal(annotations.mode_scales(basis), [5.0, 0.0])
