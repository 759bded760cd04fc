import dataclasses

import numpy as np
import pytest

from tests.face_models.made_up_models import made_up_model
from tf_facerecon.face_models.morphable_layer import resolve_face_model
from tf_facerecon.face_models.morphable_model import MorphableModel


def fields_of(model):
    return {field.name: getattr(model, field.name) for field in dataclasses.fields(model)}


def test_save_load_exact(tmp_path):
    model = made_up_model()
    model.save(tmp_path / "model.npz")
    loaded = MorphableModel.load(tmp_path / "model.npz")
    for name, value in fields_of(model).items():
        np.testing.assert_array_equal(getattr(loaded, name), value)
    assert loaded.fingerprint == model.fingerprint
    assert [path.name for path in tmp_path.iterdir()] == ["model.npz"]


def test_fingerprint_sees_every_array():
    model = made_up_model()
    seen = {model.fingerprint}
    for name, value in fields_of(model).items():
        if isinstance(value, np.ndarray):
            changed = value.copy()
            changed.flat[0] = (
                (changed.flat[0] + 1) % 144 if name in ("triangles", "landmarks") else 0.123
            )
            seen.add(dataclasses.replace(model, **{name: changed}).fingerprint)
    assert len(seen) == 11


def test_fingerprint_of_recipe_ignores_arrays():
    assert made_up_model(0, recipe="a").fingerprint == made_up_model(1, recipe="a").fingerprint
    assert made_up_model(0, recipe="a").fingerprint != made_up_model(0, recipe="b").fingerprint


def test_load_takes_no_recipe_on_trust(tmp_path):
    """A file with other arrays that names the procedural face's recipe is not that face."""
    procedural = MorphableModel.from_preset("procedural-4000")
    made_up_model(recipe=procedural.recipe, name="procedural-4000").save(tmp_path / "saved.npz")
    with np.load(tmp_path / "saved.npz") as archive:
        np.savez(tmp_path / "forged.npz", **dict(archive, recipe=np.array(procedural.recipe)))
    for name in ("saved.npz", "forged.npz"):
        loaded = MorphableModel.load(tmp_path / name)
        assert loaded.recipe == ""
        assert loaded.fingerprint == made_up_model().fingerprint != procedural.fingerprint
    with pytest.raises(ValueError, match="not the one that was saved with"):
        resolve_face_model(str(tmp_path / "forged.npz"), procedural.fingerprint)


def test_arrays_are_read_only():
    with pytest.raises(ValueError, match="read-only"):
        made_up_model().mean_shape[0] = 0


def test_five_points_preset():
    model = made_up_model()
    vertices = np.arange(2.0 * model.num_vertices).reshape(1, -1, 2)
    eye = vertices[0, model.landmarks[[36, 39]]].mean(axis=0)
    five = model.five_points(vertices)
    np.testing.assert_array_equal(five[0, 0], eye)
    np.testing.assert_array_equal(five[0, 2:], vertices[0, model.landmarks[[30, 48, 54]]])


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("mean_shape", np.zeros((144, 2)), r"`mean_shape` must have shape \[144, 3\].*\(144, 2\)"),
        ("identity_basis", np.zeros((143, 3, 80)), "`identity_basis` must have shape"),
        ("albedo_basis", np.full((144, 3, 80), np.nan), "`albedo_basis` must hold finite numbers"),
        ("triangles", [[0, 1, 144]], "`triangles`.* from 0 to 143. Received: 0 to 144"),
        ("triangles", [[0, 1, 1.5]], "`triangles` must hold whole numbers"),
        ("landmarks", np.full(68, -1), "`landmarks`.*Received: -1 to -1"),
        ("uv", np.full((144, 2), 1.5), r"`uv`.*\[0, 1\]"),
        ("skin_region", np.array(["a"] * 144), "`skin_region` must hold finite numbers"),
    ],
)
def test_model_exception_raised(name, value, message):
    with pytest.raises(ValueError, match=message):
        made_up_model(**{name: value})


def test_load_exception_raised(tmp_path):
    path = tmp_path / "model.npz"
    with pytest.raises(FileNotFoundError, match="model.npz"):
        MorphableModel.load(path)
    path.write_bytes(b"not an archive")
    with pytest.raises(ValueError, match="not a readable face model"):
        MorphableModel.load(path)
    made_up_model().save(path)
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(ValueError, match="not a readable face model"):
        MorphableModel.load(path)
    np.savez(path, mean_shape=np.zeros((3, 3)))
    with pytest.raises(ValueError, match="lacks .*triangles"):
        MorphableModel.load(path)


def test_load_refuses_pickle(tmp_path):
    path = tmp_path / "model.npz"
    made_up_model().save(path)
    with np.load(path) as archive:
        stored = dict(archive)
    stored["mean_shape"] = np.array([{"a": 1}], dtype=object)
    np.savez(path, **stored)
    with pytest.raises(ValueError, match="not a readable face model"):
        MorphableModel.load(path)


def test_load_names_wrong_array(tmp_path):
    path = tmp_path / "model.npz"
    made_up_model().save(path)
    with np.load(path) as archive:
        stored = dict(archive)
    stored["triangles"] = stored["triangles"] + 1
    np.savez(path, **stored)
    with pytest.raises(ValueError, match="model.npz.*`triangles`"):
        MorphableModel.load(path)


def test_from_preset_finds_cached_file(tmp_path, monkeypatch):
    monkeypatch.setenv("TF_FACERECON_HOME", str(tmp_path))
    (tmp_path / "face_models").mkdir()
    model = made_up_model()
    model.save(tmp_path / "face_models" / "made-up.npz")
    assert MorphableModel.from_preset("made-up").fingerprint == model.fingerprint
    with pytest.raises(FileNotFoundError, match="no face model 'bfm09'"):
        MorphableModel.from_preset("bfm09")


@pytest.mark.parametrize("name", ["procedural-0", "procedural-3999"])
def test_from_preset_too_few_vertices_exception_raised(name):
    with pytest.raises(ValueError, match="num_vertices must be at least 4000"):
        MorphableModel.from_preset(name)


@pytest.mark.parametrize("name", ["procedural-", "procedural--5000", "procedural-many"])
def test_from_preset_unknown_density_exception_raised(name):
    with pytest.raises(FileNotFoundError, match=f"no face model '{name}'"):
        MorphableModel.from_preset(name)
