"""Files of a set: complete, readable, all or none, and no photograph replaced."""

import dataclasses
import json
import os

import numpy as np
import PIL.Image
import pytest

from tests import toy_image_set as toy_set
from tests import toy_reconstruction as toy
from tf_facerecon.export import image_set_files
from tf_facerecon.inference import image_set_reconstructor
from tf_facerecon.io import mesh_files
from tf_facerecon.visualization import confidence_figure


@pytest.fixture(scope="module")
def person(toy_reconstructor):
    reconstructor = toy_set.build_toy_set_reconstructor(toy_reconstructor, toy_set.embed)
    photos = [toy_set.photo(number) for number in (170, 0, 200, 170)]
    with pytest.warns(image_set_reconstructor.ImageSetWarning):
        return reconstructor.reconstruct([*photos, toy.toy_photo(height=50)])


@pytest.fixture(scope="module")
def saved(person, tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved") / "new"
    return folder, person.save(folder, "anna")


def test_save_writes_all(saved, person):
    folder, paths = saved
    expected = {"anna.obj", "anna.json", "anna.npz", "anna_confidence.png"}
    expected |= {f"anna_image_{number}.obj" for number in (1, 2, 3, 4)}
    assert {path.name for path in paths} == {path.name for path in folder.iterdir()} == expected


def test_save_meshes_preset(saved, person):
    mesh = mesh_files.read_obj(saved[0] / "anna.obj")
    np.testing.assert_allclose(mesh.vertices, person.neutral_vertices, atol=1e-7)
    np.testing.assert_allclose(mesh.colours, np.clip(person.albedo, 0, 1), atol=1e-6)
    np.testing.assert_array_equal(mesh.triangles, person.decoder.face_model.triangles)
    posed = mesh_files.read_obj(saved[0] / "anna_image_3.obj")
    np.testing.assert_allclose(posed.vertices, person.posed(2)[0], atol=1e-6)


def test_save_json_preset(saved, person):
    data = json.loads((saved[0] / "anna.json").read_text(encoding="utf-8"))
    np.testing.assert_allclose(data["identity"], person.identity)
    assert data["aggregate"] == "cnet" and data["face_model"]["name"] == "toy"
    assert [image["mesh"] for image in data["images"]] == [
        f"anna_image_{number}.obj" for number in (1, 2, 3, 4)
    ]
    assert data["images"][3]["duplicate_of"] == "image_1" and data["images"][3]["share"] == 0.0
    assert sum(image["share"] for image in data["images"]) == pytest.approx(1.0)
    assert data["images"][1]["embedding_distance"] > 1.0
    assert list(data["failures"]) == ["image_5"] and "another person" in data["warnings"][1]
    for region in ("nose", "jaw"):
        shares = data["regions"][region]["shares"]
        assert max(shares, key=shares.get) == data["regions"][region]["most_from"]
    image = data["images"][0]
    for name, group in person.images[0].coefficients.items():
        np.testing.assert_allclose(image["coefficients"][name], group, atol=1e-7)
    assert len(image["confidence"]) == toy_set.NUM_IDENTITY and image["photo_size"]["width"] == 240


def test_save_arrays_need_no_pickle(saved, person):
    with np.load(saved[0] / "anna.npz", allow_pickle=False) as arrays:
        np.testing.assert_array_equal(arrays["identity"], person.identity)
        assert arrays["vertex_shares"].shape == (4, len(person.neutral_vertices))
        assert arrays["names"].tolist() == ["image_1", "image_2", "image_3", "image_4"]


def test_save_only_when_told_and_never_over_photographs(person, tmp_path, monkeypatch):
    monkeypatch.setattr(confidence_figure, "draw", lambda _: np.zeros((4, 4, 3), np.uint8))
    person.save(tmp_path, "anna")
    with pytest.raises(FileExistsError, match="exists already"):
        person.save(tmp_path, "anna")
    person.save(tmp_path, "anna", overwrite=True)
    picture = tmp_path / "anna_confidence.png"
    image = dataclasses.replace(person.images[0], source_path=picture)
    own = dataclasses.replace(person, images=(image, *person.images[1:]))
    with pytest.raises(FileExistsError, match="is an input photograph"):
        own.save(tmp_path, "anna", overwrite=True)


def test_save_leaves_nothing_on_error(person, tmp_path, monkeypatch):
    def fail(_):
        raise OSError("disk full")

    monkeypatch.setattr(confidence_figure, "draw", fail)
    with pytest.raises(OSError, match="disk full"):
        image_set_files.save(person, tmp_path, "anna")
    assert not os.listdir(tmp_path)


def test_confidence_picture_is_saved(saved):
    with PIL.Image.open(saved[0] / "anna_confidence.png") as picture:
        assert picture.width > 4 * confidence_figure.TILE_SIZE


def test_is_even_preset():
    assert image_set_files.is_even(np.array([0.5, 0.0, 0.5001]))  # One is a copy and has no say.
    assert not image_set_files.is_even(np.array([0.5, 0.4, 0.1]))
    assert not image_set_files.is_even(np.array([1.0]))
