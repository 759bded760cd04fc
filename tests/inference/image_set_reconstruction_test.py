"""`ImageSetReconstruction`: meshes, shares, and files that are complete and all or none."""

import dataclasses
import json
import os

import numpy as np
import PIL.Image
import pytest
import scipy.io

from tests import toy_image_set as toy_set
from tests import toy_reconstruction as toy
from tf_facerecon.export import deep3d_files
from tf_facerecon.inference import image_set_reconstruction, image_set_reconstructor
from tf_facerecon.io import mesh_files
from tf_facerecon.morphable_models import expression_limits
from tf_facerecon.visualization import confidence_figure


@pytest.fixture(scope="module")
def three_photos(toy_reconstructor):
    reconstructor = toy_set.build_toy_set_reconstructor(toy_reconstructor)
    return reconstructor.reconstruct([toy_set.photo(number) for number in (0, 100, 200)])


def test_neutral_vertices_preset(three_photos):
    model = three_photos.decoder.face_model
    expected = model.mean_shape + np.einsum(
        "vik,k->vi", model.identity_basis, three_photos.identity
    )
    np.testing.assert_allclose(three_photos.neutral_vertices, expected, atol=1e-6)
    expected = model.mean_albedo + np.einsum("vik,k->vi", model.albedo_basis, three_photos.texture)
    np.testing.assert_allclose(three_photos.albedo, expected, atol=1e-6)


def test_posed_has_the_aggregated_identity_and_the_photos_expression(three_photos):
    vertices, albedo = three_photos.posed(1)
    own = three_photos.images[1].coefficients
    neutral = {**own, "identity": three_photos.identity}
    decoder = three_photos.decoder
    valid = expression_limits.limit_coefficients(  # No crossed lids or lips.
        decoder.face_model, decoder.layout, decoder.layout.merge(neutral)[None]
    )
    decoded = decoder(valid, render=False)
    np.testing.assert_allclose(vertices, decoded["vertices"][0], atol=1e-6)
    np.testing.assert_allclose(albedo, decoded["albedo"][0], atol=1e-6)
    alone = three_photos.decoder(three_photos.decoder.layout.merge(own)[None], render=False)[
        "vertices"
    ][0]
    assert np.abs(vertices - alone).max() > 1e-3
    assert np.abs(vertices - three_photos.posed(0)[0]).max() > 1e-3


def test_fit_is_the_posed_face_with_the_light_of_its_photo(three_photos):
    fit, photo = three_photos.fit(1), three_photos.images[1]
    np.testing.assert_allclose(fit.vertices, three_photos.posed(1)[0], atol=1e-6)
    np.testing.assert_array_equal(fit.coefficients["identity"], three_photos.identity)
    np.testing.assert_array_equal(fit.coefficients["lighting"], photo.coefficients["lighting"])
    decoder = three_photos.decoder
    decoded = decoder(decoder.layout.merge(fit.coefficients)[None])
    np.testing.assert_allclose(fit.image, decoded["image"][0], atol=1e-6)
    np.testing.assert_allclose(fit.landmarks, decoded["landmarks"][0], atol=1e-4)
    assert fit.image[fit.mask > 0].any() and fit.crop is photo.crop


def test_save_deep3d_writes_all_or_nothing(three_photos, tmp_path, monkeypatch):
    paths = three_photos.save_deep3d(tmp_path, "anna", "tensorflow")
    stems = [f"anna_{image.name}" for image in three_photos.images]
    ends = (".mat", "_mesh.obj")
    assert {path.name for path in paths} == {stem + end for stem in stems for end in ends}
    for index, stem in enumerate(stems):
        written = scipy.io.loadmat(tmp_path / f"{stem}.mat")
        fit = three_photos.fit(index)
        np.testing.assert_allclose(written["face_shape"], fit.vertices, atol=1e-6)
        np.testing.assert_array_equal(written["cropped_img"], fit.crop)
    with pytest.raises(FileExistsError):
        three_photos.save_deep3d(tmp_path, "anna", "tensorflow")
    with pytest.raises(ValueError, match="`flavour` must be one of"):
        three_photos.save_deep3d(tmp_path, "anna", "jax")
    write = deep3d_files.obj_text
    calls = []

    def break_down(face, flavour):
        calls.append(flavour)
        if len(calls) == 2:
            raise OSError("disk full")
        return write(face, flavour)

    monkeypatch.setattr(deep3d_files, "obj_text", break_down)
    with pytest.raises(OSError, match="disk full"):
        three_photos.save_deep3d(tmp_path / "new", "anna")
    assert not (tmp_path / "new").exists()


def test_shares_add_up_to_one(three_photos):
    np.testing.assert_allclose(three_photos.coefficient_shares.sum(axis=0), 1.0)
    np.testing.assert_allclose(three_photos.vertex_shares().sum(axis=0), 1.0)
    for shares in three_photos.region_shares().values():
        np.testing.assert_allclose(shares.sum(), 1.0)


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


def mesh_names(stem):
    return [f"{stem}.mtl", f"{stem}.obj", f"{stem}_texture.png"]


def test_save_writes_all(saved, person):
    folder, paths = saved
    expected = {*mesh_names("anna"), "anna.json", "anna.npz", "anna_confidence.png"}
    for number in (1, 2, 3, 4):
        expected |= set(mesh_names(f"anna_image_{number}"))
    assert {path.name for path in paths} == {path.name for path in folder.iterdir()} == expected


@pytest.mark.parametrize(
    ("outputs", "files"),
    [
        (["mesh"], mesh_names("anna")),
        (["posed"], sorted(sum((mesh_names(f"anna_image_{n}") for n in (1, 2, 3, 4)), []))),
        (["npz", "json"], ["anna.json", "anna.npz"]),
        ("confidence", ["anna_confidence.png"]),
    ],
)
def test_save_writes_exactly_what_is_named(saved, person, tmp_path, outputs, files):
    person.save(tmp_path, "anna", outputs=outputs)
    assert sorted(path.name for path in tmp_path.iterdir()) == files
    assert sorted(person.file_names("anna", outputs)) == files
    for name in files:
        if not name.endswith(".npz"):  # Archives hold their time.
            assert (tmp_path / name).read_bytes() == (saved[0] / name).read_bytes()


def test_save_exception_raised(person, tmp_path):
    with pytest.raises(ValueError, match="`outputs` must be .*posed.* Received: 'overlay'"):
        person.save(tmp_path, "anna", outputs=["overlay"])


def test_save_meshes_preset(saved, person):
    model, mesh = person.decoder.face_model, mesh_files.read_obj(saved[0] / "anna.obj")
    np.testing.assert_allclose(mesh.vertices, person.neutral_vertices, atol=1e-7)
    np.testing.assert_allclose(mesh.colours, np.clip(person.albedo, 0, 1), atol=1e-6)
    np.testing.assert_array_equal(mesh.triangles, person.decoder.face_model.triangles)
    for name in ("anna", "anna_image_3"):
        text = (saved[0] / f"{name}.obj").read_text(encoding="utf-8")
        assert text.count("\nvn ") == len(mesh.vertices) and "\ns 1\nf " in text
        np.testing.assert_allclose(mesh_files.read_obj(saved[0] / f"{name}.obj").uv, model.uv)
        assert f"mtllib {name}.mtl\n" in text
        texture = np.asarray(PIL.Image.open(saved[0] / f"{name}_texture.png"))
        np.testing.assert_array_equal(texture, person.blended_texture())
    posed = mesh_files.read_obj(saved[0] / "anna_image_3.obj")
    np.testing.assert_allclose(posed.vertices, person.posed(2)[0], atol=1e-6)


def test_blended_texture_shows_all_photos_that_count(three_photos):
    """Whatever a duplicate shows, the texture is the same."""
    texture = three_photos.blended_texture()
    assert texture.shape == (512, 512, 3) and texture.dtype == np.uint8
    rng = np.random.default_rng(0)
    noisy = [
        dataclasses.replace(image, crop=rng.integers(0, 256, image.crop.shape, np.uint8))
        for image in three_photos.images
    ]
    for index in range(3):
        images = list(three_photos.images)
        images[index] = noisy[index]
        changed = dataclasses.replace(three_photos, images=tuple(images)).blended_texture()
        assert np.abs(changed.astype(int) - texture).mean() > 1
        images[index] = dataclasses.replace(noisy[index], duplicate_of="image_9")
        duplicate = dataclasses.replace(three_photos, images=tuple(images))
        images[index] = dataclasses.replace(images[index], crop=three_photos.images[0].crop)
        other = dataclasses.replace(three_photos, images=tuple(images))
        np.testing.assert_array_equal(duplicate.blended_texture(), other.blended_texture())


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


def test_save_overwrites_only_on_request_and_never_photos(person, tmp_path, monkeypatch):
    monkeypatch.setattr(
        image_set_reconstruction,
        "draw_confidence_figure",
        lambda **_: np.zeros((4, 4, 3), np.uint8),
    )
    person.save(tmp_path, "anna")
    with pytest.raises(FileExistsError, match="exists already"):
        person.save(tmp_path, "anna")
    person.save(tmp_path, "anna", overwrite=True)
    figure = tmp_path / "anna_confidence.png"
    image = dataclasses.replace(person.images[0], source_path=figure)
    own = dataclasses.replace(person, images=(image, *person.images[1:]))
    with pytest.raises(FileExistsError, match="is an input photograph"):
        own.save(tmp_path, "anna", overwrite=True)


def test_save_leaves_nothing_on_error(person, tmp_path, monkeypatch):
    def fail(**_):
        raise OSError("disk full")

    monkeypatch.setattr(image_set_reconstruction, "draw_confidence_figure", fail)
    with pytest.raises(OSError, match="disk full"):
        person.save(tmp_path, "anna")
    assert not os.listdir(tmp_path)


def test_confidence_figure_is_saved(saved):
    with PIL.Image.open(saved[0] / "anna_confidence.png") as figure:
        assert figure.width > 4 * confidence_figure.TILE_SIZE
