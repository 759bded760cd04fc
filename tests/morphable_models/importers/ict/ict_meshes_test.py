import numpy as np
import pytest

from tf_facerecon.morphable_models.importers.ict import ict_meshes

TEXT = b"""# a comment
mtllib some.mtl
v 0 0 0
v 1.5 0 -2e-1
v 1 1 0
v 0 1 0
v 0.5 2 0
vt 0 0
vt 1 0
vt 1 1
vt 0 1
vt 1.5 0.5
usemtl M_Face
f 1/1 2/2 3/3 4/4
usemtl M_Teeth
f 4/4 3/5 5/3
"""


def test_read_neutral_preset():
    mesh = ict_meshes.read_neutral("x.obj", TEXT)
    np.testing.assert_array_equal(mesh.vertices[1], [1.5, 0.0, -0.2])
    np.testing.assert_array_equal(mesh.triangles, [[0, 1, 2], [0, 2, 3], [3, 2, 4]])
    np.testing.assert_array_equal(mesh.uv_triangles, [[0, 1, 2], [0, 2, 3], [3, 4, 2]])
    np.testing.assert_array_equal(mesh.uv[4], [1.5, 0.5])
    assert mesh.materials.tolist() == ["M_Face", "M_Face", "M_Teeth"]


def test_windows_line_ends_are_read_alike():
    plain = ict_meshes.read_neutral("x.obj", TEXT)
    windows = ict_meshes.read_neutral("x.obj", TEXT.replace(b"\n", b"\r\n"))
    np.testing.assert_array_equal(windows.vertices, plain.vertices)
    np.testing.assert_array_equal(windows.uv_triangles, plain.uv_triangles)
    assert windows.materials.tolist() == plain.materials.tolist()


def test_byte_order_mark_costs_no_vertex():
    bare = TEXT[TEXT.index(b"v 0") :]
    vertices, digest = ict_meshes.read_vertices("x.obj", b"\xef\xbb\xbf" + bare)
    assert vertices.shape == (5, 3) and digest == ict_meshes.read_vertices("x.obj", bare)[1]


def test_read_vertices_tells_topologies_apart():
    vertices, digest = ict_meshes.read_vertices("x.obj", TEXT)
    assert vertices.shape == (5, 3) and vertices.dtype == np.float64
    moved, same = ict_meshes.read_vertices("x.obj", TEXT.replace(b"v 1.5 0", b"v 1.75 0"))
    assert same == digest and moved[1, 0] == 1.75
    assert ict_meshes.read_vertices("x.obj", TEXT[:-5])[1] != digest


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (TEXT[40:], b"", "is it truncated"),
        (b"v 1.5 0 -2e-1", b"v 1.5 0", "lines 'v x y z'"),
        (b"v 1.5 0 -2e-1", b"v 1.5 0 abc", "not three numbers"),
        (b"v 1.5 0 -2e-1", b"v 1.5 0 nan", "must be finite"),
        (b"v 1.5 0 -2e-1", b"vn 1.5 0 0", "lines 'v x y z'"),
        (b"f 1/1 2/2", b"f 1/1 9/2", "must refer to its 5 vertices"),
        (b"f 1/1 2/2", b"f 1/1 2/9", "must refer to its 5 texture coordinates"),
        (b"f 1/1 2/2", b"f 0/1 2/2", "must refer to its 5 vertices"),
        (b"f 1/1 2/2", b"f 1 2", "must be vertex/texture"),
        (b"f 1/1 2/2", b"f 1/x 2/2", "line .* is not OBJ"),
        (b"vt 1 1\n", b"vt 1\n", "line .* is not OBJ"),
        (b"vt 1 1\n", b"vt 1 inf\n", "must be finite"),
    ],
)
def test_read_neutral_exception_raised(old, new, message):
    assert old in TEXT
    with pytest.raises(ValueError, match=rf"x\.obj.*{message}"):
        ict_meshes.read_neutral("x.obj", TEXT.replace(old, new))


def test_read_neutral_without_texture_exception_raised():
    """Two triangles of three numbers each are not one of three pairs."""
    square = TEXT[: TEXT.index(b"usemtl M_Teeth")].replace(b"1/1 2/2 3/3 4/4", b"1 2 3 4")
    for text in (square, TEXT.replace(b"1/1 2/2 3/3 4/4", b"1 2 3 4")):
        with pytest.raises(ValueError, match=r"x\.obj: each corner .* must be vertex/texture"):
            ict_meshes.read_neutral("x.obj", text)
