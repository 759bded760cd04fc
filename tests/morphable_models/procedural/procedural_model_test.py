import numpy as np
import pytest
from scipy import spatial

from tf_facerecon.geometry import similarity_alignment
from tf_facerecon.morphable_models.morphable_model import MorphableModel
from tf_facerecon.morphable_models.parameterization import face_domain
from tf_facerecon.morphable_models.procedural import procedural_model, topology

COARSE, FINE = 5_000, 20_000
RECORDED_LANDMARKS = [
    [0.01199, -0.85616, 0.17420],
    [-0.00384, -0.07097, 0.49362],
    [-0.44852, 0.28949, 0.09880],
    [0.33506, -0.40361, 0.17846],
]
RECORDED_COLOURS = [
    [0.63239, 0.46354, 0.36944],
    [0.61265, 0.41035, 0.33835],
    [0.28943, 0.14713, 0.14201],
]


@pytest.fixture(scope="module")
def coarse():
    return MorphableModel(**procedural_model.procedural_fields(COARSE))


@pytest.fixture(scope="module")
def fine():
    return MorphableModel(**procedural_model.procedural_fields(FINE))


@pytest.fixture(scope="module")
def coefficients():
    generator = np.random.default_rng(5)
    return tuple(generator.normal(size=size) for size in (80, 64, 80))


def shape_of(model, identity, expression):
    return model.mean_shape + model.identity_basis @ identity + model.expression_basis @ expression


def vertex_normals(vertices, triangles):
    a, b, c = np.moveaxis(vertices[triangles], 1, 0)
    normals = np.zeros_like(vertices)
    for corner in range(3):
        np.add.at(normals, triangles[:, corner], np.cross(b - a, c - a))
    return normals / np.linalg.norm(normals, axis=-1, keepdims=True)


def mirror_index(mesh):
    key = np.stack([mesh.s, mesh.t, mesh.mouth_row, mesh.lip_side], axis=-1)
    distance, index = spatial.cKDTree(key).query(key * [-1, 1, 1, 1])
    assert distance.max() < 1e-9
    return index


def test_procedural_fields_shapes_preset(coarse):
    count = coarse.num_vertices
    assert coarse.identity_basis.shape == (count, 3, 80)
    assert coarse.expression_basis.shape == (count, 3, 64)
    assert coarse.albedo_basis.shape == (count, 3, 80)
    assert coarse.name == "procedural-5000"
    assert coarse.redistributable


def test_procedural_fields_from_preset(coarse):
    model = MorphableModel.from_preset("procedural-5000")
    assert model.fingerprint == coarse.fingerprint


def test_procedural_fields_is_deterministic(coarse):
    again = MorphableModel(**procedural_model.procedural_fields(COARSE))
    for field in ("mean_shape", "identity_basis", "expression_basis", "albedo_basis", "uv"):
        np.testing.assert_array_equal(getattr(again, field), getattr(coarse, field))


def test_procedural_fields_landmarks_meet_template(coarse):
    distances = coarse.mean_shape[coarse.landmarks] - face_domain.landmark_template()
    assert np.abs(distances).max() < 0.003


def test_coefficients_mean_the_same_at_every_density(coarse, fine, coefficients):
    identity, expression, texture = coefficients
    few, many = (shape_of(model, identity, expression) for model in (coarse, fine))
    landmarks = few[coarse.landmarks], many[fine.landmarks]
    np.testing.assert_allclose(*landmarks, atol=1e-5)
    outer = topology.build_mesh(COARSE).mouth_row < 0
    normals = vertex_normals(many, fine.triangles)
    _, nearest = spatial.cKDTree(many).query(few[outer])
    off_surface = np.abs(((few[outer] - many[nearest]) * normals[nearest]).sum(axis=-1))
    assert np.quantile(off_surface, 0.99) < 0.005  # dm: half a millimetre
    skins = [
        (model.mean_albedo + model.albedo_basis @ texture)[model.landmarks]
        for model in (coarse, fine)
    ]
    np.testing.assert_allclose(*skins, atol=1e-5)


def test_identity_is_free_of_pose_and_has_human_spread(coarse, rng):
    mean = coarse.mean_shape.astype(np.float64)
    aligned_mm, raw_mm = [], []
    for _ in range(60):
        face = mean + coarse.identity_basis @ rng.normal(size=80)
        similarity = similarity_alignment.similarity_transform(face, mean)
        moved = similarity_alignment.apply_similarity(face, *similarity)
        aligned_mm.append(100 * np.linalg.norm(moved - mean, axis=1).mean())
        raw_mm.append(100 * np.linalg.norm(face - mean, axis=1).mean())
    assert 2.4 < np.mean(aligned_mm) < 3.2
    assert np.mean(raw_mm) < 1.1 * np.mean(aligned_mm)


def test_identity_energy_decays(coarse):
    energy = (coarse.identity_basis.astype(np.float64) ** 2).sum(axis=(0, 1))
    share = np.cumsum(energy) / energy.sum()
    assert share[9] > 0.75 and share[14] > 0.85
    assert energy[0] > 100 * energy[-1]


def test_modes_are_mostly_symmetric(coarse):
    index = mirror_index(topology.build_mesh(COARSE))
    for basis, least in ((coarse.identity_basis, 0.97), (coarse.expression_basis, 0.90)):
        mirrored = basis[index] * np.array([-1.0, 1.0, 1.0])[:, None]
        parity = (basis * mirrored).sum(axis=(0, 1)) / (basis**2).sum(axis=(0, 1))
        np.testing.assert_allclose(np.abs(parity), 1.0, atol=1e-4)  # each even or odd
        energy = (basis.astype(np.float64) ** 2).sum(axis=(0, 1))
        assert energy[parity > 0].sum() / energy.sum() > least


def test_jaw_opens_the_mouth(coarse):
    upper, lower, chin = coarse.landmarks[[62, 66, 8]]
    movement = coarse.expression_basis[:, 1, 0]
    gap_mm = 100 * (movement[upper] - movement[lower])
    assert 5.0 < gap_mm < 8.0
    assert movement[chin] < -0.04
    brow = coarse.landmarks[19]
    assert abs(movement[brow]) < 1e-4


def test_expressions_leave_forehead_and_ears_alone(coarse):
    mesh = topology.build_mesh(COARSE)
    energy = np.linalg.norm(coarse.expression_basis, axis=(1, 2))
    far = (mesh.t > 0.85) | ((np.abs(mesh.s) > 1.35) & (mesh.t > 0.0))
    assert energy[far].max() < 0.01


def test_albedo_stays_in_range_random(coarse, rng):
    texture = rng.normal(size=(80, 40))
    albedo = coarse.mean_albedo[..., None] + coarse.albedo_basis @ texture
    assert np.quantile(albedo, 0.002) > -0.05 and np.quantile(albedo, 0.998) < 1.05
    assert coarse.mean_albedo.min() >= 0.0 and coarse.mean_albedo.max() <= 1.0


def test_melanin_is_the_strongest_albedo_mode(coarse):
    skin = coarse.skin_region > 0.5
    energy = (coarse.albedo_basis[skin] ** 2).sum(axis=(0, 1))
    assert np.argmax(energy) == 0
    assert (coarse.albedo_basis[skin][:, :, 0] < 0).mean() > 0.99  # more melanin, darker


def test_regions_preset(coarse):
    mouth = topology.build_mesh(COARSE).mouth_row >= 0
    landmarks = coarse.landmarks
    brows, lips = landmarks[[19, 24]], landmarks[[62, 66]]
    pupils = [coarse.mean_shape[landmarks[first : first + 6]].mean(axis=0) for first in (36, 42)]
    _, eyes = spatial.cKDTree(coarse.mean_shape).query(pupils)
    assert coarse.face_region[landmarks[17:]].all()
    for features in (eyes, brows, lips):
        assert not coarse.skin_region[features].any()
    assert coarse.skin_region[landmarks[29]]
    assert not coarse.face_region[mouth].any() and not coarse.skin_region[mouth].any()


def test_mouth_ends_darkly_at_its_landmarks(coarse):
    corners = coarse.mean_shape[coarse.landmarks[[48, 54]]]
    outside = corners + np.array([[-0.03, 0.0, 0.0], [0.03, 0.0, 0.0]])
    _, beside = spatial.cKDTree(coarse.mean_shape).query(outside)
    brightness = coarse.mean_albedo.mean(axis=-1)
    assert (brightness[coarse.landmarks[[48, 54]]] < 0.75 * brightness[beside]).all()


def test_edition_still_means_the_same_faces(coarse):
    # Weights are trained on these numbers: if they change, `EDITION` must be raised.
    assert procedural_model.EDITION == 3
    generator = np.random.default_rng(1)
    identity, expression, texture = (generator.normal(size=size) for size in (80, 64, 80))
    landmarks = shape_of(coarse, identity, expression)[coarse.landmarks]
    colours = (coarse.mean_albedo + coarse.albedo_basis @ texture)[coarse.landmarks]
    np.testing.assert_allclose(landmarks[[8, 30, 36, 54]], RECORDED_LANDMARKS, atol=1e-4)
    np.testing.assert_allclose(colours[[8, 30, 54]], RECORDED_COLOURS, atol=1e-4)


def test_procedural_fields_exception_raised():
    with pytest.raises(ValueError, match="num_vertices"):
        MorphableModel(**procedural_model.procedural_fields(10))
