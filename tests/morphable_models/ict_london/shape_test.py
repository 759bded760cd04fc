"""Template, lips, eyes and the whole shape on a made-up kit."""

import numpy as np
import pytest

from tf_facerecon.metrics import point_to_mesh
from tf_facerecon.morphable_models.ict_london import lips_and_eyes, shape_model, template_mesh
from tf_facerecon.morphable_models.importers.ict import ict_model, ict_parts, ict_shapes


@pytest.fixture(scope="module")
def shapes(kit, tmp_path_factory):
    folder = kit.write(tmp_path_factory.mktemp("kit") / "ICT-FaceKit")
    return ict_shapes.read_shapes(folder, kit.layout)


@pytest.fixture(scope="module")
def shape(kit, shapes):
    return shape_model.build_shape(shapes, kit.layout, 6, 2_500)


def test_template_has_the_wanted_size_and_is_symmetric(shape, kit):
    template = shape.template
    assert template.num_vertices == pytest.approx(2_500, rel=0.1)
    assert template.triangles.max() == template.num_vertices - 1
    np.testing.assert_array_equal(np.unique(template.triangles), np.arange(template.num_vertices))
    mirror = template.mirror_index
    np.testing.assert_array_equal(mirror[mirror], np.arange(template.num_vertices))
    points = template.carry(kit.vertices)
    np.testing.assert_allclose(points[mirror] * [-1, 1, 1], points, atol=1e-5)


def test_template_parts_share_no_vertex_and_leave_none_out(shape):
    counts = np.sum(list(shape.template.parts.values()), axis=0)
    np.testing.assert_array_equal(counts, 1)
    assert all(mask.any() for mask in shape.template.parts.values())


def test_template_carries_linear_functions_of_the_kit(shape, kit):
    carry = shape.template.carry
    np.testing.assert_allclose(carry(np.ones(len(kit.vertices))), 1.0, atol=1e-9)
    points = carry(kit.vertices)
    np.testing.assert_allclose(carry(2 * kit.vertices + 1), 2 * points + 1, atol=1e-9)
    np.testing.assert_allclose(
        points[shape.template.landmarks], kit.vertices[kit.landmarks], atol=1e-9
    )


def test_vertices_between_old_ones_lie_near_the_surface(shape, shapes, kit):
    points = shape.template.carry(kit.vertices)[shape.template.parts["skin"]]
    skin = shapes.neutral.triangles[(shapes.neutral.triangles < kit.layout.face[1]).all(axis=1)]
    distances = point_to_mesh.Surface(kit.vertices, skin).closest_points(points).distances
    # The kit's faces are 0.5 to 1 cm wide; a smooth surface bulges over them at the nose.
    assert distances.max() < 0.2 and distances.mean() < 0.03


def test_identity_is_orthogonal_over_the_front_and_without_pose(shape):
    front = shape.identity[shape.front]
    flat = front.reshape(-1, front.shape[-1])
    gram = flat.T @ flat
    np.testing.assert_allclose(gram, np.diag(np.diag(gram)), atol=1e-9 * gram.max())
    assert (np.diff(np.diag(gram)) <= 0).all()
    np.testing.assert_allclose(np.sqrt(np.diag(gram)), shape.identity_scales, rtol=1e-6)
    np.testing.assert_allclose(front.mean(axis=0), 0.0, atol=1e-9)


def test_texture_coordinates_lie_in_the_unit_square(shape):
    assert shape.uv.shape == (shape.template.num_vertices, 2)
    assert shape.uv.min() >= 0.0 and shape.uv.max() <= 1.0


def test_denser_template_has_the_same_faces(shape, shapes, kit):
    dense = shape_model.build_shape(shapes, kit.layout, 6, 5_000)
    assert dense.template.num_vertices > 1.5 * shape.template.num_vertices
    np.testing.assert_allclose(
        dense.mean[dense.template.landmarks], shape.mean[shape.template.landmarks], atol=1e-9
    )


def test_landmarks_outside_the_face_exception_raised(kit, shapes):
    parts = shape_model.kit_parts(kit.layout)
    used = np.flatnonzero(np.any(list(parts.values()), axis=0))
    mirror = np.arange(len(kit.vertices))
    mirror[used] = used[ict_model.mirror_index(kit.vertices[used])]
    landmarks = np.array(kit.landmarks)
    landmarks[0] = kit.layout.head[1] - 1
    with pytest.raises(ValueError, match="landmarks"):
        template_mesh.build_template(
            kit.vertices, shapes.neutral.triangles, landmarks, mirror, parts, 2_000
        )


def test_kit_without_opening_jaw_exception_raised(shapes, kit):
    import dataclasses

    without = dataclasses.replace(shapes, expression_names=("browDown_L", "a", "b"))
    with pytest.raises(ValueError, match="jawOpen"):
        shape_model.build_shape(without, kit.layout, 6, 2_000)
    with pytest.raises(ValueError, match="7 identity modes"):
        shape_model.build_shape(shapes, kit.layout, 7, 2_000)


def test_kit_parts_follow_the_layout():
    masks = shape_model.kit_parts(ict_parts.LIGHT_MODEL)
    assert masks["skin"].sum() == 9_409 and masks["eyeballs"].sum() == 2 * 770
    assert not np.flatnonzero(masks["teeth"])[0] - 17_039


def lips():
    """Upper lip y = 0.1 and lower lip y = -0.1 between corners at x = -2 and 2."""
    x = np.linspace(-2, 2, 5)
    landmarks = np.zeros(68, int)
    landmarks[60:65] = np.arange(5)
    landmarks[[60, 67, 66, 65, 64]] = [0, 6, 7, 8, 4]
    upper = np.stack([x, [0, 0.1, 0.1, 0.1, 0], np.zeros(5)], axis=-1)
    lower = upper * [1, -1, 1]
    far = np.array([[0.0, 3.0, 0.0]])
    points = np.concatenate([upper, lower, far])
    opening = np.zeros_like(points)
    opening[6:9, 1] = -1.0
    return points, landmarks, opening


def test_lip_seam_closes_the_gap_preset():
    points, landmarks, opening = lips()
    seam = lips_and_eyes.LipSeam(points, landmarks, opening, np.ones(len(points), bool))
    sealed = seam.sealed(points)
    # Both lips go half the way, but for the fall-off of the reach of 0.35 at a distance of 0.1.
    gap = sealed[[1, 2, 3], 1] - sealed[[6, 7, 8], 1]
    np.testing.assert_allclose(gap, 0.2 * (1 - np.exp(-(0.1**2) / (2 * 0.35**2))), atol=1e-9)
    np.testing.assert_array_equal(sealed[[0, 4, 10]], points[[0, 4, 10]])
    np.testing.assert_array_equal(sealed[:, [0, 2]], points[:, [0, 2]])
    assert (seam.sealed_mean(points)[1, 1] < sealed[1, 1]).all()


def test_lively_eyes_turn_and_close():
    angles = np.linspace(-1, 1, 7)
    across, up = np.meshgrid(angles, angles)
    ball = np.stack(
        [np.sin(across) * np.cos(up), np.sin(up), np.cos(across) * np.cos(up)], axis=-1
    ).reshape(-1, 3)
    points = np.concatenate([ball + [3, 0, 0], ball - [3, 0, 0], [[0.0, 9.0, 0.0]]])
    eyeballs = np.ones(len(points), bool)
    eyeballs[-1] = False
    names = ("eyeLookIn_L", "eyeBlink_R", "jawOpen")
    modes = np.zeros((3, *points.shape))
    modes[:, -1] = 1.0
    lively = lips_and_eyes.lively_eyes(modes, names, points, eyeballs)
    pole = 24
    np.testing.assert_allclose(points[pole], [3, 0, 1], atol=1e-12)
    # The subject's left eye lies at +x; looking in turns it towards -x.
    turned = points[pole] + lively[0, pole] - [3, 0, 0]
    np.testing.assert_allclose(turned, [-0.5, 0.0, np.sqrt(0.75)], atol=1e-9)
    np.testing.assert_array_equal(lively[0, 49:98], 0.0)
    np.testing.assert_allclose(lively[1, 49:98], np.tile([0, 0, -0.2], (49, 1)))
    np.testing.assert_allclose(lively[1, -1], 1.15)
    np.testing.assert_array_equal(lively[2], modes[2])
