import os

import numpy as np
import pytest
import trimesh

from tf_facerecon.io import image_files, mesh_files

VERTICES = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0.125]], np.float32)
TRIANGLES = np.array([[0, 1, 2], [2, 1, 3]], np.int32)
UV = np.array([[0, 0], [1, 0], [0, 1], [1, 1]], np.float32)


def test_write_obj_preset(tmp_path):
    mesh_files.write_obj(tmp_path / "a.obj", VERTICES, TRIANGLES)
    assert (tmp_path / "a.obj").read_text(encoding="utf-8").splitlines() == [
        "v 0 0 0",
        "v 1 0 0",
        "v 0 1 0",
        "v 1 1 0.125",
        "f 1 2 3",
        "f 3 2 4",
    ]


def test_write_obj_float32_round_trip_random(tmp_path, rng):
    vertices = rng.normal(size=(500, 3)).astype(np.float32) * 1e3 ** rng.normal(size=(500, 1))
    vertices = vertices.astype(np.float32)
    colours = rng.uniform(size=(500, 3)).astype(np.float32)
    triangles = rng.integers(0, 400, (300, 3))  # Unused vertices must stay, too.
    mesh_files.write_obj(tmp_path / "a.obj", vertices, triangles, colours=colours)
    mesh = mesh_files.read_obj(tmp_path / "a.obj")
    np.testing.assert_array_equal(mesh.vertices.astype(np.float32), vertices)
    np.testing.assert_array_equal(mesh.colours.astype(np.float32), colours)
    np.testing.assert_array_equal(mesh.triangles, triangles)
    assert mesh.uv is None and mesh.uv_triangles is None


def test_write_obj_colours_as_trimesh_reads_them(tmp_path):
    colours = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [2.0, -1.0, 0.2]])
    mesh_files.write_obj(tmp_path / "a.obj", VERTICES, TRIANGLES, colours=colours)
    mesh = trimesh.load(tmp_path / "a.obj", process=False, maintain_order=True)
    np.testing.assert_array_equal(mesh.vertices, VERTICES)
    np.testing.assert_array_equal(mesh.faces, TRIANGLES)
    expected = [[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 0, 51]]
    np.testing.assert_array_equal(mesh.visual.vertex_colors[:, :3], expected)


def test_write_obj_texture_as_trimesh_reads_it(tmp_path, rng):
    texture = rng.integers(0, 256, (16, 24, 3), dtype=np.uint8)
    mesh_files.write_obj(tmp_path / "my face.obj", VERTICES, TRIANGLES, uv=UV, texture=texture)
    assert sorted(os.listdir(tmp_path)) == ["my face.mtl", "my face.obj", "my face_texture.png"]
    np.testing.assert_array_equal(image_files.read_image(tmp_path / "my face_texture.png"), texture)
    mesh = trimesh.load(tmp_path / "my face.obj", process=False)
    np.testing.assert_array_equal(np.asarray(mesh.visual.material.image), texture)
    corners = {tuple(v): tuple(uv) for v, uv in zip(mesh.vertices, mesh.visual.uv, strict=True)}
    assert corners == {tuple(v): tuple(uv) for v, uv in zip(VERTICES, UV, strict=True)}


def test_write_obj_seams_round_trip(tmp_path, rng):
    uv = rng.uniform(size=(6, 2)).astype(np.float32)
    uv_triangles = np.array([[0, 1, 2], [3, 4, 5]])
    mesh_files.write_obj(
        tmp_path / "a.obj", VERTICES, TRIANGLES, uv=uv, uv_triangles=uv_triangles, colours=VERTICES
    )
    mesh = mesh_files.read_obj(tmp_path / "a.obj")
    np.testing.assert_array_equal(mesh.vertices, VERTICES)
    np.testing.assert_array_equal(mesh.triangles, TRIANGLES)
    np.testing.assert_array_equal(mesh.uv.astype(np.float32), uv)
    np.testing.assert_array_equal(mesh.uv_triangles, uv_triangles)
    np.testing.assert_array_equal(mesh.colours, VERTICES)


def test_write_obj_normals_preset(tmp_path):
    normals = np.array([[0, 0, 1], [1, 0, 0], [0, 1, 0], [0, 0.6, 0.8]])
    mesh_files.write_obj(tmp_path / "a.obj", VERTICES, TRIANGLES, normals=normals)
    lines = (tmp_path / "a.obj").read_text(encoding="utf-8").splitlines()[4:]
    assert lines == [
        "vn 0.00000 0.00000 1.00000",
        "vn 1.00000 0.00000 0.00000",
        "vn 0.00000 1.00000 0.00000",
        "vn 0.00000 0.60000 0.80000",
        "s 1",
        "f 1//1 2//2 3//3",
        "f 3//3 2//2 4//4",
    ]
    mesh = mesh_files.read_obj(tmp_path / "a.obj")
    np.testing.assert_array_equal(mesh.triangles, TRIANGLES)
    assert mesh.uv is None


def test_write_obj_normals_agree_across_seams(tmp_path, rng):
    """Both sides of a seam have the same normal, as trimesh reads the file."""
    normals = np.array([[0, 0, 1], [1, 0, 0], [0, 1, 0], [0, 0.6, 0.8]])
    uv, uv_triangles = rng.uniform(size=(6, 2)), np.array([[0, 1, 2], [3, 4, 5]])
    mesh_files.write_obj(
        tmp_path / "a.obj", VERTICES, TRIANGLES, normals=normals, uv=uv, uv_triangles=uv_triangles
    )
    text = (tmp_path / "a.obj").read_text(encoding="utf-8")
    assert text.endswith("s 1\nf 1/1/1 2/2/2 3/3/3\nf 3/4/3 2/5/2 4/6/4\n")
    mesh = trimesh.load(tmp_path / "a.obj", process=False)
    assert len(mesh.vertices) == 6  # Cut at the seam.
    expected = {tuple(vertex): normal for vertex, normal in zip(VERTICES, normals, strict=True)}
    for vertex, normal in zip(mesh.vertices, mesh.vertex_normals, strict=True):
        np.testing.assert_allclose(normal, expected[tuple(vertex)], atol=1e-5)
    read = mesh_files.read_obj(tmp_path / "a.obj")
    np.testing.assert_array_equal(read.uv_triangles, uv_triangles)


def test_read_obj_polygons_normals_and_backward_indices(tmp_path):
    (tmp_path / "a.obj").write_text(
        "# by hand\nmtllib none.mtl\no thing\nv 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nvn 0 0 1\n"
        "vt 0 0\nvt 1 0 0\nvt 1 1\nvt 0 1\n\ng x\nf 1/1/1 2/2/1 3/3/1 4/4/1\nf -4/-4 -3/-3 -2/-2\n",
        encoding="utf-8",
    )
    mesh = mesh_files.read_obj(tmp_path / "a.obj")
    expected = [[0, 1, 2], [0, 2, 3], [0, 1, 2]]
    np.testing.assert_array_equal(mesh.triangles, expected)
    np.testing.assert_array_equal(mesh.uv_triangles, expected)
    np.testing.assert_array_equal(mesh.uv, [[0, 0], [1, 0], [1, 1], [0, 1]])
    (tmp_path / "b.obj").write_text(
        "v 0 0 0\nv 1 0 0\nv 1 1 0\nvn 0 0 1\nf 1//1 2//1 3//1\n", encoding="utf-8"
    )
    mesh = mesh_files.read_obj(tmp_path / "b.obj")
    np.testing.assert_array_equal(mesh.triangles, [[0, 1, 2]])
    assert mesh.uv is None


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_read_obj_saved_on_windows(tmp_path, encoding):
    text = "v 0 0 0\r\nv 1 0 0\r\nv 0 1 0\r\nv 5 5 5\r\nf 1 2 3\r\n"
    (tmp_path / "a.obj").write_bytes(text.encode(encoding))
    mesh = mesh_files.read_obj(tmp_path / "a.obj")
    np.testing.assert_array_equal(mesh.vertices, [[0, 0, 0], [1, 0, 0], [0, 1, 0], [5, 5, 5]])
    np.testing.assert_array_equal(mesh.triangles, [[0, 1, 2]])


def test_read_obj_as_trimesh_writes_it(tmp_path):
    sphere = trimesh.creation.icosphere(2)
    sphere.export(tmp_path / "a.obj", digits=12)
    mesh = mesh_files.read_obj(tmp_path / "a.obj")
    np.testing.assert_allclose(mesh.vertices, sphere.vertices, atol=1e-11)
    np.testing.assert_array_equal(mesh.triangles, sphere.faces)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"vertices": VERTICES[:, :2]}, r"`vertices` must have shape \[None, 3\]"),
        ({"vertices": VERTICES * np.nan}, "`vertices` must be finite"),
        ({"vertices": VERTICES.astype(str)}, "`vertices` must hold real numbers"),
        ({"triangles": TRIANGLES.astype(float)}, "`triangles` must hold integers"),
        ({"triangles": TRIANGLES + 1}, r"`triangles` must lie in 0..3. Received: 1..4"),
        ({"triangles": TRIANGLES - 1}, "Received: -1..2"),
        ({"colours": VERTICES[:3]}, r"`colours` must have shape \[4, 3\]"),
        ({"normals": VERTICES[:3]}, r"`normals` must have shape \[4, 3\]"),
        ({"normals": VERTICES * np.nan}, "`normals` must be finite"),
        ({"uv": UV[:3]}, r"`uv` must have shape \[4, 2\]"),
        ({"uv_triangles": TRIANGLES}, "`uv_triangles` needs `uv`"),
        ({"uv": UV, "uv_triangles": TRIANGLES[:1]}, r"`uv_triangles` must have shape \[2, 3\]"),
        ({"texture": np.zeros((4, 4, 3), np.uint8)}, "`texture` needs `uv`"),
        ({"uv": UV, "texture": np.full((4, 4, 3), np.nan)}, "`image` must be finite"),
        ({"uv": UV, "texture": np.zeros((4, 4, 2), np.uint8)}, "must have shape"),
        ({"path": "a.ply"}, "must end in .obj"),
    ],
)
def test_write_obj_exception_raised(tmp_path, change, message):
    arguments = {"path": "a.obj", "vertices": VERTICES, "triangles": TRIANGLES, **change}
    arguments["path"] = tmp_path / arguments["path"]
    with pytest.raises(ValueError, match=message):
        mesh_files.write_obj(**arguments)
    assert os.listdir(tmp_path) == []


def test_read_obj_missing_exception_raised(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"a\.obj"):
        mesh_files.read_obj(tmp_path / "a.obj")


@pytest.mark.parametrize(
    "text, message",
    [
        ("", "holds no vertices"),
        ("v 0 0\n", "line 1 is not OBJ"),
        ("v 0 0 0\nv 1 0 x\n", "line 2 is not OBJ: 'v 1 0 x'"),
        ("v 0 0 0\nf 1 1\n", "line 2 is not OBJ"),
        ("v 0 0 0\nf 0 1 1\n", "line 2 is not OBJ"),
        ("v 0 0 0\nf 1 1 2\n", r"`triangles` must lie in 0..0"),
        ("v 0 0 0\nf 1 1 99999999999\n", "line 2 is not OBJ"),
        ("v 0 0 0\nf 1 1 99999999999999999999\n", "line 2 is not OBJ"),
        ("v 0 nan 0\n", "line 1 is not OBJ"),
        ("v 0 0 0 1 inf 1\n", "line 1 is not OBJ"),
        ("v 0 0 0\nvt nan 0\n", "line 2 is not OBJ"),
        ("v 0 0 0\nv 0 0 0 1 1 1\n", r"different numbers of values: \[3, 6\]"),
    ],
)
def test_read_obj_exception_raised(tmp_path, text, message):
    (tmp_path / "a.obj").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=rf"a\.obj.*{message}"):
        mesh_files.read_obj(tmp_path / "a.obj")


def test_write_obj_copies_a_texture_file(tmp_path):
    """A texture that several meshes share is compressed once."""
    vertices, triangles = np.eye(3), np.array([[0, 1, 2]])
    texture = np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)
    arguments = {"uv": np.eye(3)[:, :2]}
    mesh_files.write_obj(tmp_path / "a.obj", vertices, triangles, texture=texture, **arguments)
    first = tmp_path / "a_texture.png"
    mesh_files.write_obj(tmp_path / "b.obj", vertices, triangles, texture=first, **arguments)
    assert (tmp_path / "b_texture.png").read_bytes() == first.read_bytes()
    assert "map_Kd b_texture.png" in (tmp_path / "b.mtl").read_text(encoding="utf-8")
    absent = tmp_path / "absent.png"
    with pytest.raises(FileNotFoundError, match="absent.png"):
        mesh_files.write_obj(tmp_path / "c.obj", vertices, triangles, texture=absent, **arguments)
    assert not list(tmp_path.glob("*c*.obj")) and not list(tmp_path.glob(".part*"))
