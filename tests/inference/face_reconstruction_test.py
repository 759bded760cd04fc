"""`FaceReconstruction`: images, texture, and files (`face_files`) that are whole, all or none."""

import dataclasses
import importlib.metadata
import json
import os

import keras
import numpy as np
import PIL.Image
import pytest
import tensorflow as tf

from tf_facerecon.export import photo_texture
from tf_facerecon.geometry import mesh_normals
from tf_facerecon.inference import output_names
from tf_facerecon.inference.face_reconstruction import FaceReconstruction
from tf_facerecon.io import json_files, mesh_files
from tf_facerecon.results.fitted_face import RefinementReport
from tf_facerecon.visualization import face_panel


def test_images_and_texture(mean_face):
    assert mean_face.texture().shape == (1024, 1024, 3)
    assert mean_face.panel().ndim == 3
    overlay = mean_face.overlay_on_photo()
    assert overlay.shape == mean_face.photo.shape
    assert np.any(overlay != mean_face.photo)


@pytest.fixture(scope="module")
def saved(posed_face, tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved") / "new" / "folder"
    paths = posed_face.save(folder, "toy")
    return folder, paths


def test_save_writes_all(saved):
    folder, paths = saved
    expected = set(output_names.face_files("toy", output_names.FACE_OUTPUTS))
    assert len(expected) == 10
    assert {path.name for path in paths} == expected
    assert {path.name for path in folder.iterdir()} == expected


@pytest.mark.parametrize(
    ("outputs", "files"),
    [
        (["json"], ["toy.json"]),
        ("npz", ["toy.npz"]),
        (["photo"], ["toy_photo.png"]),
        (["overlay"], ["toy_overlay.png"]),
        (["neutral"], ["toy_neutral.mtl", "toy_neutral.obj", "toy_neutral_texture.png"]),
        (["mesh", "json", "mesh"], ["toy.json", "toy.mtl", "toy.obj", "toy_texture.png"]),
    ],
)
def test_save_writes_exactly_what_is_named(posed_face, saved, tmp_path, outputs, files):
    """The same contents as when all is saved: what files share does not depend on the choice."""
    paths = posed_face.save(tmp_path, "toy", outputs=outputs)
    assert sorted(path.name for path in paths) == files
    assert sorted(path.name for path in tmp_path.iterdir()) == files
    for path in paths:
        if path.suffix != ".npz":  # Archives hold their time.
            assert path.read_bytes() == (saved[0] / path.name).read_bytes()


def test_save_names_what_stands_in_the_way_of_the_chosen(quick_files, mean_face, tmp_path):
    (tmp_path / "toy.json").write_text("precious", encoding="utf-8")
    mean_face.save(tmp_path, "toy", outputs=["mesh"])
    assert (tmp_path / "toy.json").read_text(encoding="utf-8") == "precious"
    with pytest.raises(FileExistsError, match=r"toy\.obj"):
        mean_face.save(tmp_path, "toy", outputs=["mesh", "photo"])
    assert not (tmp_path / "toy_photo.png").exists()


def test_save_json_preset(saved, posed_face):
    data = json.loads((saved[0] / "toy.json").read_text(encoding="utf-8"))
    for name, group in posed_face.coefficients.items():
        np.testing.assert_allclose(data["coefficients"][name], group, atol=1e-7)
    for name in ("pose", "intrinsics", "extrinsics", "photo_intrinsics", "crop_matrix"):
        np.testing.assert_allclose(data[name], getattr(posed_face, name), atol=1e-12)
    product = np.array(data["crop_matrix"]) @ np.array(data["photo_from_crop_matrix"])
    np.testing.assert_allclose(product, np.eye(3), atol=1e-9)
    np.testing.assert_allclose(data["landmarks"]["photo"], posed_face.photo_landmarks)
    np.testing.assert_allclose(data["landmarks"]["crop"], posed_face.landmarks)
    assert data["rotation_degrees"]["yaw"] == pytest.approx(11.459156, abs=1e-4)
    assert data["face_model"]["name"] == "toy" and len(data["face_model"]["fingerprint"]) == 64
    assert data["units"]["length"] == "decimetre"
    assert data["source"] == "toy.png" and data["photo_size"] == {"width": 240, "height": 260}
    assert data["refinement"] is None


def test_summary_versions(mean_face, monkeypatch):
    def missing(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", missing)  # `tensorflow-cpu`, no install.
    assert mean_face.summary()["versions"] == {
        "tf_facerecon": None,
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "numpy": np.__version__,
    }


def test_summary_unmeasured_error_is_null(mean_face):
    report = RefinementReport(3, float("nan"), float("nan"), 0.2, 0.1)
    refined = dataclasses.replace(mean_face, refinement=report).summary()
    assert refined["refinement"] == {
        "steps": 3,
        "photometric_before": None,
        "photometric_after": None,
        "point_error_before": 0.2,
        "point_error_after": 0.1,
    }


def test_save_arrays_need_no_pickle(saved, posed_face):
    with np.load(saved[0] / "toy.npz", allow_pickle=False) as arrays:
        np.testing.assert_array_equal(arrays["vertices"], posed_face.vertices)
        np.testing.assert_array_equal(arrays["uv_triangles"], posed_face.triangles)
        np.testing.assert_array_equal(
            arrays["coefficients_identity"], np.linspace(-1, 1, 6, dtype="f")
        )
        np.testing.assert_allclose(arrays["photo_landmarks"], posed_face.photo_landmarks)


def test_save_meshes_preset(saved, posed_face):
    folder, _ = saved
    for name, vertices in (
        ("toy", posed_face.vertices),
        ("toy_neutral", posed_face.neutral_vertices),
    ):
        mesh = mesh_files.read_obj(folder / f"{name}.obj")
        np.testing.assert_array_equal(mesh.vertices.astype(np.float32), vertices.astype(np.float32))
        np.testing.assert_array_equal(mesh.triangles, posed_face.triangles)
        np.testing.assert_allclose(mesh.uv, posed_face.uv, atol=1e-6)
        text = (folder / f"{name}.obj").read_text(encoding="utf-8")
        assert f"mtllib {name}.mtl" in text and "\ns 1\nf " in text
        written = [line.split()[1:] for line in text.splitlines() if line.startswith("vn ")]
        normals = mesh_normals.normals_of_mesh(mesh.vertices, mesh.triangles)
        np.testing.assert_allclose(np.array(written, float), normals, atol=1e-4)
        assert f"map_Kd {name}_texture.png" in (folder / f"{name}.mtl").read_text(encoding="utf-8")
        assert PIL.Image.open(folder / f"{name}_texture.png").size == (1024, 1024)


def test_save_images_preset(saved):
    assert PIL.Image.open(saved[0] / "toy_photo.png").size == (240, 260)
    width, height = PIL.Image.open(saved[0] / "toy_overlay.png").size
    assert width > 6 * face_panel.TILE_SIZE and height > face_panel.TILE_SIZE


@pytest.fixture
def quick_files(monkeypatch):
    """Files without their contents, for tests of where files go."""

    def write(face, folder, stem, outputs):
        for name in output_names.face_files(stem, outputs):
            (folder / name).write_text("new", encoding="utf-8")

    monkeypatch.setattr(FaceReconstruction, "_write_files", write)


def test_save_overwrites_only_on_request(quick_files, mean_face, tmp_path):
    (tmp_path / "toy.json").write_text("precious", encoding="utf-8")
    with pytest.raises(FileExistsError, match="toy.json"):
        mean_face.save(tmp_path, "toy")
    assert [path.name for path in tmp_path.iterdir()] == ["toy.json"]
    mean_face.save(tmp_path, "toy", overwrite=True)
    assert (tmp_path / "toy.json").read_text(encoding="utf-8") == "new"


@pytest.mark.parametrize(
    "broken",
    [(face_panel, "draw_panel"), (json_files, "write_json"), (photo_texture, "extract_texture")],
)
def test_save_leaves_nothing_on_error(mean_face, tmp_path, monkeypatch, broken):
    """Neither in this thread nor in the one beside it."""

    def fail(*arguments):
        raise OSError("disk full")

    monkeypatch.setattr(*broken, fail)
    with pytest.raises(OSError, match="disk full"):
        mean_face.save(tmp_path, "toy")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
@pytest.mark.parametrize("calls", range(1, 13))
def test_save_is_all_or_none(quick_files, mean_face, tmp_path, monkeypatch, calls, error):
    old = {"toy.json": "old json", "toy.mtl": "old material"}
    for name, text in old.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    done = []
    replace = os.replace

    def fail_once(source, target):
        done.append(target)
        if len(done) == calls:
            raise error
        replace(source, target)

    monkeypatch.setattr(os, "replace", fail_once)
    with pytest.raises(error):
        mean_face.save(tmp_path, "toy", overwrite=True)
    assert {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()} == old


def test_save_never_replaces_a_photo(quick_files, mean_face, tmp_path):
    own, other, linked = tmp_path / "toy_photo.png", tmp_path / "a.png", tmp_path / "toy.obj"
    own.write_text("mine", encoding="utf-8")
    other.write_text("mine", encoding="utf-8")
    face = dataclasses.replace(mean_face, source_path=own)
    for overwrite in (False, True):
        with pytest.raises(FileExistsError, match="toy_photo.png is an input photograph"):
            face.save(tmp_path, "toy", overwrite=overwrite)
    own.unlink()
    linked.symlink_to(other)
    with pytest.raises(FileExistsError, match="toy.obj is an input photograph"):
        face.save(tmp_path, "toy", overwrite=True, keep=["gone.png", other])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "toy.obj"]
    assert other.read_text(encoding="utf-8") == "mine"


def test_save_next_to_the_photo(quick_files, mean_face, tmp_path):
    photo = tmp_path / "toy.png"
    photo.write_text("mine", encoding="utf-8")
    face = dataclasses.replace(mean_face, source_path=photo)
    face.save(tmp_path, "toy", overwrite=True)
    assert photo.read_text(encoding="utf-8") == "mine"


def test_save_restores_on_error(quick_files, mean_face, tmp_path):
    (tmp_path / "toy_photo.png").mkdir()  # A folder cannot be replaced by a file.
    with pytest.raises(OSError):
        mean_face.save(tmp_path, "toy", overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ["toy_photo.png"]


def test_save_exception_raised(mean_face, tmp_path):
    for outputs, received in ((["mesh", "pdf"], "'pdf'"), ([], "none"), ("obj", "'obj'")):
        with pytest.raises(ValueError, match=f"`outputs` must be .*npz. Received: {received}"):
            mean_face.save(tmp_path, "toy", outputs=outputs)
    for stem in ("", "../toy", "a/b"):
        with pytest.raises(ValueError, match="`stem` must be a plain file name"):
            mean_face.save(tmp_path, stem)
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(NotADirectoryError, match="there is a file where a folder is needed"):
        mean_face.save(tmp_path / "file", "toy")
