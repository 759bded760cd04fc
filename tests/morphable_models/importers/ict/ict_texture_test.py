import numpy as np

from tf_facerecon.morphable_models.importers.ict import ict_meshes, ict_parts, ict_texture


def test_pack_uv_keeps_seams_and_separates_parts(kit):
    mesh = ict_meshes.read_neutral("x.obj", kit._obj(kit.vertices).encode())
    chosen = ict_parts.select_part(mesh, "full_head", kit.layout)
    uv, corners = ict_texture.pack_uv(mesh, chosen.triangle_indices)
    assert uv.dtype == np.float32 and corners.dtype == np.int32
    assert uv.min() >= 0.0 and uv.max() <= 1.0
    np.testing.assert_array_equal(np.unique(corners), np.arange(len(uv)))
    # The made-up seam: one vertex has two texture coordinates.
    assert len(uv) == chosen.vertices.size + 1
    materials = mesh.materials[chosen.triangle_indices]
    boxes = [
        (uv[corners[materials == name]].min((0, 1)), uv[corners[materials == name]].max((0, 1)))
        for name in np.unique(materials)
    ]
    for k, (low, high) in enumerate(boxes):
        for other_low, other_high in boxes[:k]:
            assert (low > other_high).any() or (other_low > high).any()


def test_pack_uv_preset(kit):
    """The face's tile is scaled by 0.8; the corner on the seam has its own coordinate."""
    mesh = ict_meshes.read_neutral("x.obj", kit._obj(kit.vertices).encode())
    uv, corners = ict_texture.pack_uv(mesh, np.array([0, 1]))
    np.testing.assert_allclose(uv[corners[0, 2]], [0.4, 0.4], atol=1e-6)
    np.testing.assert_allclose(uv[corners], 0.8 * mesh.uv[mesh.uv_triangles[:2]], atol=1e-6)
