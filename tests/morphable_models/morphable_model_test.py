import dataclasses
import mmap as mmap_module

import numpy as np
import pytest

from tests.morphable_models.made_up_models import made_up_details, made_up_model
from tf_facerecon.layers.morphable_face import resolve_face_model
from tf_facerecon.morphable_models import model_checks
from tf_facerecon.morphable_models.morphable_model import MorphableModel


def assert_same(first, second):
    for field in dataclasses.fields(first):
        one, other = getattr(first, field.name), getattr(second, field.name)
        if field.name == "regions":
            assert one.keys() == other.keys()
            for region in one:
                np.testing.assert_array_equal(one[region], other[region])
        else:
            np.testing.assert_array_equal(one, other)
            assert getattr(one, "dtype", None) == getattr(other, "dtype", None)


@pytest.mark.parametrize("mmap", [False, True])
@pytest.mark.parametrize("details", [{}, made_up_details()])
def test_save_load_exact(tmp_path, details, mmap):
    model = made_up_model(**details)
    assert model.save(tmp_path / "model.npz") == 0.0
    loaded = MorphableModel.load(tmp_path / "model.npz", mmap=mmap)
    assert_same(loaded, model)
    assert loaded.fingerprint == model.fingerprint
    assert [path.name for path in tmp_path.iterdir()] == ["model.npz"]


def test_load_maps_the_file(tmp_path):
    made_up_model(**made_up_details()).save(tmp_path / "model.npz")
    mapped = MorphableModel.load(tmp_path / "model.npz", mmap=True)
    arrays = [value for value in vars(mapped).values() if isinstance(value, np.ndarray)]
    for array in [*arrays, *mapped.regions.values()]:
        assert isinstance(array.base, mmap_module.mmap)
        assert array.flags.aligned and not array.flags.writeable
    # What replaces the file later is another file.
    shape = mapped.mean_shape.copy()
    made_up_model(1, mean_shape=np.zeros((144, 3))).save(tmp_path / "model.npz")
    np.testing.assert_array_equal(mapped.mean_shape, shape)


@pytest.mark.parametrize("mmap", [False, True])
def test_save_half(tmp_path, mmap):
    model = made_up_model(**made_up_details())
    model.save(tmp_path / "full.npz")
    bound = model.save(tmp_path / "half.npz", half=True)
    sizes = [(tmp_path / name).stat().st_size for name in ("full.npz", "half.npz")]
    assert sizes[1] <= sizes[0] / 2
    half = MorphableModel.load(tmp_path / "half.npz", mmap=mmap)
    bases = ("identity_basis", "expression_basis", "albedo_basis")
    assert_same(half, dataclasses.replace(model, **{name: getattr(half, name) for name in bases}))
    # The worst face within three standard deviations, vertex by vertex, in float64.
    rng = np.random.default_rng(0)
    largest = 0.0
    for _ in range(50):
        identity, expression = rng.choice([-3.0, 3.0], 80), rng.choice([-3.0, 3.0], 64)
        moved = np.subtract(half.identity_basis, model.identity_basis, dtype=np.float64) @ identity
        moved += (
            np.subtract(half.expression_basis, model.expression_basis, dtype=np.float64)
            @ expression
        )
        largest = max(largest, 100 * np.linalg.norm(moved, axis=-1).max())
    assert bound / 20 < largest <= bound < 0.3
    np.testing.assert_allclose(half.albedo_basis, model.albedo_basis, rtol=2**-11, atol=1e-9)
    assert half.fingerprint != model.fingerprint


def test_now_landmarks_follow_the_68():
    model = made_up_model()
    np.testing.assert_array_equal(
        model.now_landmarks, model.landmarks[[36, 39, 42, 45, 33, 48, 54]]
    )


def test_fingerprint_depends_on_shape_and_appearance():
    model = made_up_model(**made_up_details())
    seen = {model.fingerprint}
    for name in model_checks.CORE_ARRAYS:
        changed = getattr(model, name).copy()
        if name in ("triangles", "landmarks"):
            changed.flat[0] = (changed.flat[0] + 1) % 144
        else:
            changed[:72] *= 0.7
        seen.add(dataclasses.replace(model, **{name: changed}).fingerprint)
    assert len(seen) == 1 + 8  # Both masks change neither.
    plain = dataclasses.replace(model, mirror_index=None, regions={}, expression_names=())
    assert plain.fingerprint == model.fingerprint


def test_fingerprint_is_that_of_another_machine(rng):
    """Whose linear algebra rounds otherwise, in the last bit of float32 or far below."""
    model = made_up_model()
    for noise in (1e-12, 1e-7):
        changed = {
            name: getattr(model, name) * (1.0 + noise * rng.uniform(-1, 1, shape))
            for name, shape in ((n, getattr(model, n).shape) for n in model_checks.CORE_ARRAYS)
            if name not in ("triangles", "landmarks", "uv", "skin_region", "face_region")
        }
        # A vertex at the threshold of a mask.
        changed["skin_region"] = np.where(np.arange(144) == 7, 0.0, model.skin_region)
        assert dataclasses.replace(model, **changed).fingerprint == model.fingerprint
    assert (changed["identity_basis"].astype(np.float32) != model.identity_basis).any()


@pytest.mark.parametrize("name", ["identity_basis", "expression_basis", "albedo_basis"])
def test_fingerprint_sees_order_and_sign_of_modes(name):
    model = made_up_model()
    basis = getattr(model, name)
    exchanged, turned = basis.copy(), basis.copy()
    exchanged[..., [4, 5]] = basis[..., [5, 4]]
    turned[..., 4] *= -1
    others = [dataclasses.replace(model, **{name: array}) for array in (exchanged, turned)]
    assert len({model.fingerprint, *(other.fingerprint for other in others)}) == 3


def test_fingerprint_of_half_precision_is_that_of_another_machine(tmp_path, rng):
    """Two machines' models in half precision have one fingerprint, as the whole ones have."""
    model = made_up_model()
    basis = model.identity_basis * (1.0 + 1e-7 * rng.uniform(-1, 1, model.identity_basis.shape))
    fingerprints = []
    for number, built in enumerate((model, dataclasses.replace(model, identity_basis=basis))):
        built.save(tmp_path / f"{number}.npz", half=True)
        fingerprints.append(MorphableModel.load(tmp_path / f"{number}.npz").fingerprint)
    assert fingerprints[0] == fingerprints[1] != model.fingerprint


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


def test_from_preset_finds_cached_file(tmp_path, monkeypatch):
    monkeypatch.setenv("TF_FACERECON_HOME", str(tmp_path))
    (tmp_path / "face_models").mkdir()
    model = made_up_model()
    model.save(tmp_path / "face_models" / "made-up.npz")
    assert MorphableModel.from_preset("made-up").fingerprint == model.fingerprint
    with pytest.raises(FileNotFoundError, match="no face model 'unheard-of': expected"):
        MorphableModel.from_preset("unheard-of")


def test_from_preset_error_names_the_command(tmp_path, monkeypatch):
    monkeypatch.setenv("TF_FACERECON_HOME", str(tmp_path))
    command = r"no face model 'bfm09' yet.*tf-facerecon build-face-model bfm09 --source FOLDER$"
    with pytest.raises(FileNotFoundError, match=command):
        MorphableModel.from_preset("bfm09")


@pytest.mark.parametrize("name", ["procedural-0", "procedural-3999"])
def test_from_preset_too_few_vertices_exception_raised(name):
    with pytest.raises(ValueError, match="num_vertices must be at least 4000"):
        MorphableModel.from_preset(name)


@pytest.mark.parametrize("name", ["procedural-", "procedural--5000", "procedural-many"])
def test_from_preset_unknown_density_exception_raised(name):
    with pytest.raises(FileNotFoundError, match=f"no face model '{name}'"):
        MorphableModel.from_preset(name)
