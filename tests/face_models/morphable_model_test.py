import dataclasses

import numpy as np
import pytest

from tests.face_models.made_up_models import made_up_model
from tf_facerecon.face_models import morphable_model
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


def test_arrays_are_read_only():
    with pytest.raises(ValueError, match="read-only"):
        made_up_model().mean_shape[0] = 0


def test_five_points_preset():
    vertices = np.zeros((68, 2))
    vertices[36], vertices[39], vertices[30] = (1, 2), (3, 4), (7, 7)
    vertices[48], vertices[54] = (5, 5), (6, 6)
    five = morphable_model.five_points_from_landmarks(vertices)
    np.testing.assert_array_equal(five, [[2, 3], [0, 0], [7, 7], [5, 5], [6, 6]])


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
