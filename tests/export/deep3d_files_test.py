import dataclasses

import numpy as np
import pytest
import scipy.io
import trimesh

from tf_facerecon.export import deep3d_files
from tf_facerecon.io import mesh_files


def with_coefficients(face, rng, lighting=27):
    """The same face with 257 (or 239) random coefficients."""
    sizes = {
        "identity": 80,
        "expression": 64,
        "texture": 80,
        "rotation": 3,
        "lighting": lighting,
        "translation": 3,
    }
    groups = {name: rng.normal(size=size).astype(np.float32) for name, size in sizes.items()}
    return dataclasses.replace(face, coefficients=groups)


def test_pytorch_files(posed_face, rng, tmp_path):
    face = with_coefficients(posed_face, rng)
    paths = deep3d_files.write_deep3d_files(face, tmp_path, "name")
    assert {path.name for path in paths} == {"name.mat", "name.obj"}
    found = scipy.io.loadmat(tmp_path / "name.mat")
    names = {"id": 80, "exp": 64, "tex": 80, "angle": 3, "gamma": 27, "trans": 3}
    assert {key: found[key].shape for key in names} == {k: (1, n) for k, n in names.items()}
    assert "coeff" not in found
    # Rows downwards, half a pixel from where they are rendered, as in CONVENTIONS.md.
    assert found["lm68"].shape == (1, 68, 2) and found["lm68"].dtype == np.float32
    np.testing.assert_allclose(found["lm68"][0], face.landmarks + [0.5, -0.5], rtol=1e-6)
    vector = np.concatenate(list(face.coefficients.values()))
    read = deep3d_files.read_deep3d_coefficients(tmp_path / "name.mat")
    np.testing.assert_array_equal(read, vector[None])


def test_tensorflow_files(posed_face, rng, tmp_path):
    face = with_coefficients(posed_face, rng)
    paths = deep3d_files.write_deep3d_files(face, tmp_path, "name", "tensorflow")
    assert {path.name for path in paths} == {"name.mat", "name_mesh.obj"}
    found = scipy.io.loadmat(tmp_path / "name.mat")
    shapes = {key: value.shape for key, value in found.items() if not key.startswith("__")}
    count = len(face.vertices)
    assert shapes == {
        "cropped_img": (224, 224, 3),
        "recon_img": (224, 224, 4),
        "coeff": (1, 257),
        "face_shape": (count, 3),
        "face_texture": (count, 3),
        "face_color": (count, 3),
        "lm_68p": (68, 2),
        "lm_5p": (5, 2),
    }
    assert found["cropped_img"].dtype == np.uint8
    np.testing.assert_array_equal(found["cropped_img"], face.crop)
    assert found["recon_img"].dtype == np.float32
    assert set(np.unique(found["recon_img"][..., 3])) == {0.0, 1.0}
    np.testing.assert_allclose(found["face_shape"], face.vertices, rtol=1e-6)
    np.testing.assert_allclose(found["face_texture"], 255 * face.albedo, rtol=1e-6)
    np.testing.assert_allclose(found["face_color"], 255 * face.colours, rtol=1e-6)
    # Upwards for the 68, downwards for the five.
    up = np.stack([face.landmarks[:, 0] + 0.5, 223 - (face.landmarks[:, 1] - 0.5)], axis=-1)
    np.testing.assert_allclose(found["lm_68p"], up, rtol=1e-5)
    given = face.crop_transform.to_reference_crop(face.alignment_points)
    np.testing.assert_allclose(found["lm_5p"], given)
    np.testing.assert_array_equal(
        deep3d_files.read_deep3d_coefficients(tmp_path / "name.mat"), found["coeff"]
    )


def test_white_light_is_repeated_for_every_channel(posed_face, rng):
    face = with_coefficients(posed_face, rng, lighting=9)
    gamma = deep3d_files.deep3d_arrays(face, "pytorch")["gamma"][0]
    np.testing.assert_array_equal(gamma.reshape(3, 9), [face.coefficients["lighting"]] * 3)


def test_tensorflow_obj_lines(posed_face):
    lines = deep3d_files.obj_text(posed_face, "tensorflow").split("\n")
    count = len(posed_face.vertices)
    colour = np.clip(255 * posed_face.colours[0].astype(float), 0, 255) / 255
    numbers = " ".join(f"{value:.6f}" for value in (*posed_face.vertices[0], *colour))
    assert lines[0] == f"v {numbers}"
    assert lines[count] == ""  # An empty line between vertices and triangles.
    a, b, c = posed_face.triangles[0] + 1
    assert lines[count + 1] == f"f {a} {b} {c}"
    assert len(lines) == count + 1 + len(posed_face.triangles) + 1


def test_pytorch_obj_is_that_of_trimesh(posed_face):
    """The PyTorch code exports by trimesh, from uint8 colours."""
    colours = np.clip(255 * posed_face.colours.astype(float), 0, 255).astype(np.uint8)
    mesh = trimesh.Trimesh(
        posed_face.vertices, posed_face.triangles, vertex_colors=colours, process=False
    )
    expected = trimesh.exchange.obj.export_obj(mesh, include_normals=False).split("\n")
    found = deep3d_files.obj_text(posed_face, "pytorch").split("\n")
    assert found[0] == expected[0] == "# https://github.com/mikedh/trimesh"
    rows = [[line for line in text if line[:2] in ("v ", "f ")] for text in (found, expected)]
    assert rows[0] == rows[1]
    assert len(rows[0]) == len(found) - 2


def test_obj_is_read_again(posed_face, tmp_path):
    for flavour, suffix in deep3d_files.MESH_SUFFIXES.items():
        deep3d_files.write_deep3d_files(posed_face, tmp_path, flavour, flavour)
        mesh = mesh_files.read_obj(tmp_path / f"{flavour}{suffix}")
        np.testing.assert_allclose(mesh.vertices, posed_face.vertices, atol=1e-6)
        np.testing.assert_array_equal(mesh.triangles, posed_face.triangles)


def test_existing_files_and_the_photo_are_kept(posed_face, tmp_path):
    (tmp_path / "name.mat").write_text("mine")
    with pytest.raises(FileExistsError):
        deep3d_files.write_deep3d_files(posed_face, tmp_path, "name")
    assert [path.name for path in tmp_path.iterdir()] == ["name.mat"]
    with pytest.raises(ValueError, match="`flavour` must be one of"):
        deep3d_files.write_deep3d_files(posed_face, tmp_path, "name", "jax")


@pytest.mark.parametrize("width", [257, 258])
def test_coefficients_of_arrays(width, rng, tmp_path):
    array = rng.normal(size=(4, width)).astype(np.float32)
    np.save(tmp_path / "many.npy", array)
    np.save(tmp_path / "one.npy", array[0])
    np.savez(tmp_path / "many.npz", coeff=array)
    read = deep3d_files.read_deep3d_coefficients
    np.testing.assert_array_equal(read(tmp_path / "many.npy"), array[:, :257])
    np.testing.assert_array_equal(read(tmp_path / "one.npy"), array[:1, :257])
    np.testing.assert_array_equal(read(tmp_path / "many.npz"), array[:, :257])
    scipy.io.savemat(tmp_path / "many.MAT", {"coeff": array}, appendmat=False)
    np.testing.assert_array_equal(read(tmp_path / "many.MAT"), array[:, :257])


def test_coefficients_exception_raised(tmp_path):
    read = deep3d_files.read_deep3d_coefficients
    np.save(tmp_path / "short.npy", np.zeros((2, 239)))
    np.save(tmp_path / "objects.npy", np.array([{}], object), allow_pickle=True)
    np.savez(tmp_path / "other.npz", other=np.zeros(257))
    scipy.io.savemat(tmp_path / "other.mat", {"id": np.zeros((1, 80))})
    (tmp_path / "damaged.mat").write_bytes(b"nothing")
    np.save(tmp_path / "empty.npy", np.zeros((0, 257)))
    np.save(tmp_path / "nan.npy", np.full((1, 257), np.nan))
    scipy.io.savemat(tmp_path / "cell.mat", {"coeff": np.array([np.zeros(257)], object)})
    widths = {"id": 64, "exp": 80, "tex": 80, "angle": 3, "gamma": 27, "trans": 3}
    scipy.io.savemat(tmp_path / "widths.mat", {k: np.zeros((1, n)) for k, n in widths.items()})
    with open(tmp_path / "huge.npy", "wb") as stream:
        header = {"descr": "<f4", "fortran_order": False, "shape": (10**12, 257)}
        np.lib.format.write_array_header_1_0(stream, header)
    whole = (tmp_path / "other.npz").read_bytes()
    (tmp_path / "cut.npz").write_bytes(whole[:-30])
    for name, message in {
        "short.npy": r"of shape \[N, 257\]. Received: float64 \[2, 239\]",
        "objects.npy": "is not a plain NumPy file",
        "other.npz": "is not a plain NumPy file with `coeff`",
        "other.mat": "must hold `coeff`, or `id`.*lacks the variables exp, tex",
        "damaged.mat": "must hold `coeff`",
        "empty.npy": r"of shape \[N, 257\]. Received: float64 \[0, 257\]",
        "nan.npy": "must be finite numbers",
        "cell.mat": "`coeff` must be an array of real numbers, not a cell",
        "widths.mat": r"'exp': \[1, 64\].* Received: .*'exp': \[1, 80\]",
        "huge.npy": "is not a plain NumPy file",
        "cut.npz": "is not a plain NumPy file",
    }.items():
        with pytest.raises(ValueError, match=message):
            read(tmp_path / name)
    with pytest.raises(FileNotFoundError, match="no file of coefficients"):
        read(tmp_path / "absent.mat")
    (tmp_path / "text.txt").write_text("1 2 3")
    with pytest.raises(ValueError, match="must be a .mat, .npy or .npz file"):
        read(tmp_path / "text.txt")
