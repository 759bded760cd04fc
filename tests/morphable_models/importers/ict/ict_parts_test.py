import numpy as np
import pytest

from tf_facerecon.morphable_models.importers.ict import ict_meshes, ict_parts


@pytest.fixture(scope="module")
def mesh(kit):
    text = kit._obj(kit.vertices).encode()
    return ict_meshes.read_neutral("x.obj", text)


@pytest.mark.parametrize("part", ict_parts.PART_NAMES)
def test_select_keeps_whole_parts(kit, mesh, part):
    chosen = ict_parts.select_part(mesh, part, kit.layout)
    layout = kit.layout
    skin = {"narrow_face": layout.narrow_face, "face": layout.face, "full_head": layout.head}[part]
    np.testing.assert_array_equal(chosen.vertices[chosen.skin], np.arange(*skin))
    eyes = chosen.vertices[chosen.non_skin["eyeballs"]]
    np.testing.assert_array_equal(
        eyes, np.r_[slice(*layout.eyeballs[0]), slice(*layout.eyeballs[1])]
    )
    masks = [chosen.skin, *chosen.non_skin.values()]
    np.testing.assert_array_equal(np.sum(masks, axis=0), 1)
    # Numbers changed, corners did not; and no vertex is left without a triangle.
    np.testing.assert_array_equal(
        chosen.vertices[chosen.triangles], mesh.triangles[chosen.triangle_indices]
    )
    assert np.unique(chosen.triangles).size == chosen.vertices.size


def test_renumbered_preset(kit, mesh):
    chosen = ict_parts.select_part(mesh, "narrow_face", kit.layout)
    eye = kit.layout.eyeballs[0][0]
    numbers = chosen.local_indices(np.array([0, eye, kit.layout.num_vertices - 1]))
    assert numbers[0] == 0 and chosen.vertices[numbers[1]] == eye and numbers[2] == -1


def test_unknown_part_exception_raised(kit, mesh):
    with pytest.raises(ValueError, match="`part` must be one of .*'nose'"):
        ict_parts.select_part(mesh, "nose", kit.layout)


def test_light_model_ranges_follow_one_another():
    layout = ict_parts.LIGHT_MODEL
    ends = [layout.head, layout.mouth, layout.eye_sockets, layout.gums, layout.teeth]
    ends.append(layout.eyeballs[0])
    assert all(here[1] == there[0] for here, there in zip(ends, ends[1:], strict=False))
    assert layout.narrow_face[1] < layout.face[1] < layout.head[1]
    left, right = layout.eyeballs
    assert left[1] - left[0] == right[1] - right[0] and right[1] < layout.num_vertices
