import numpy as np
import PIL.Image

from tf_facerecon.inference import textured_meshes
from tf_facerecon.io import mesh_files


def test_write_meshes_gives_each_its_own_texture_file(tmp_path, rng):
    triangles, uv_triangles = np.array([[0, 1, 2]]), np.array([[3, 0, 1]])
    uv, texture = rng.random((4, 2)), rng.integers(0, 256, (5, 6, 3), np.uint8)
    normals = np.tile([0.0, 0.0, 1.0], (3, 1))
    meshes = [
        (tmp_path / f"{name}.obj", rng.random((3, 3)), normals, np.full((3, 3), albedo))
        for name, albedo in (("first", 0.5), ("second.one", 1.5))
    ]
    textured_meshes.write_meshes(iter(meshes), triangles, uv, uv_triangles, texture)
    for path, vertices, _, albedo in meshes:
        mesh = mesh_files.read_obj(path)
        np.testing.assert_allclose(mesh.vertices, vertices, atol=1e-7)
        np.testing.assert_allclose(mesh.colours, np.clip(albedo, 0, 1))
        np.testing.assert_allclose(mesh.uv, uv)
        written = PIL.Image.open(path.with_name(f"{path.stem}_texture.png"))
        np.testing.assert_array_equal(np.asarray(written), texture)
        assert f"{path.stem}_texture.png" in path.with_suffix(".mtl").read_text(encoding="utf-8")
