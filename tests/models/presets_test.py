import json
import zipfile

import h5py
import keras
import numpy as np
import pytest

from tf_facerecon.models import presets
from tf_facerecon.models.identity_network import IdentityNetwork
from tf_facerecon.models.r_net import RNet

ABOUT = {"description": "made up", "made_by": "python tools/make.py"}


def small_identity_network(seed: int = 0) -> IdentityNetwork:
    keras.utils.set_random_seed(seed)
    return IdentityNetwork(embedding_size=8, image_size=32)


@pytest.fixture
def folder(tmp_path):
    """Folder with the preset "tiny"."""
    presets.save_preset(small_identity_network(), tmp_path, "tiny", **ABOUT)
    return tmp_path


def test_save_preset_round_trip_half_precision(folder, rng):
    images = rng.random((2, 32, 32, 3), dtype=np.float32)
    model = small_identity_network()
    loaded = presets.load_preset(IdentityNetwork, "tiny", folder)
    np.testing.assert_allclose(loaded(images), model(images), atol=2e-3)
    for stored, original in zip(loaded.variables, model.variables, strict=True):
        half = original.numpy().astype(np.float16) if len(original.shape) > 1 else original.numpy()
        np.testing.assert_array_equal(stored.numpy(), half)


def test_weights_fingerprint_is_that_of_the_weights(tmp_path):
    model = small_identity_network()
    fingerprint = presets.weights_fingerprint(model)
    assert fingerprint == presets.weights_fingerprint(small_identity_network())
    model.save(tmp_path / "same.keras")
    loaded = keras.models.load_model(tmp_path / "same.keras")
    assert fingerprint == presets.weights_fingerprint(loaded)
    bias = model.variables[-1]
    bias.assign(bias + 1e-6)
    assert fingerprint != presets.weights_fingerprint(model)


def test_save_preset_round_trip_full_precision(folder, rng):
    model = small_identity_network(seed=1)
    presets.save_preset(model, folder, "full", half_precision=False, **ABOUT)
    loaded = presets.load_preset(IdentityNetwork, "full", folder)
    for stored, original in zip(loaded.variables, model.variables, strict=True):
        np.testing.assert_array_equal(stored, original)
    assert set(presets.read_table(folder)) == {"tiny", "full"}


def test_save_preset_half_precision_nearly_halves_the_file(folder, tmp_path):
    half = presets.preset_path("tiny", folder)
    full = tmp_path / "full.weights.h5"
    small_identity_network().save_weights(full)
    assert half.stat().st_size < 0.65 * full.stat().st_size


def test_save_preset_plain_keras_reads_the_file(folder):
    model = small_identity_network(seed=5)
    model.load_weights(presets.preset_path("tiny", folder))


def test_save_preset_nothing_left_on_overflow(tmp_path):
    model = small_identity_network()
    model.trainable_variables[0].assign_add(np.full(model.trainable_variables[0].shape, 1e6))
    with pytest.raises(ValueError, match="float16 cannot hold"):
        presets.save_preset(model, tmp_path, "huge", **ABOUT)
    assert list(tmp_path.iterdir()) == []


def test_save_preset_name_exception_raised(tmp_path):
    with pytest.raises(ValueError, match="The name of a preset may hold"):
        presets.save_preset(small_identity_network(), tmp_path, "../up", **ABOUT)


def test_preset_path_unknown_lists_the_others(folder):
    with pytest.raises(ValueError, match="(?s)no preset 'tinny'.*tiny: made up"):
        presets.preset_path("tinny", folder)


def test_load_preset_suggests_networks_of_its_kind(folder):
    with pytest.raises(ValueError, match="(?s)no preset 'tinny'.*tiny: made up"):
        presets.load_preset(IdentityNetwork, "tinny", folder)
    with pytest.raises(ValueError, match=r"no preset 'tinny'.*\n  \(none\)"):
        presets.load_preset(RNet, "tinny", folder)


@pytest.mark.parametrize("name", ("net.h5", "runs/net", "../tiny", "/tmp/net.pt"))
def test_load_preset_path_of_another_kind_of_file_exception_raised(folder, name):
    with pytest.raises(ValueError, match=f"^{name} is neither a preset nor a `.keras` file"):
        presets.load_preset(IdentityNetwork, name, folder)


def test_preset_path_missing_file_says_the_command(folder):
    presets.preset_path("tiny", folder).unlink()
    with pytest.raises(FileNotFoundError, match="(?s)'tiny'.*python tools/make.py"):
        presets.preset_path("tiny", folder)


def test_preset_path_changed_file_is_refused(folder):
    path = presets.preset_path("tiny", folder)
    with h5py.File(path, "a") as file:
        file.attrs["changed"] = True
    with pytest.raises(ValueError, match="(?s)expected sha256 .*, found .*python tools/make.py"):
        presets.load_preset(IdentityNetwork, "tiny", folder)


def test_load_preset_of_another_class_is_refused(folder):
    with pytest.raises(ValueError, match="class IdentityNetwork. Expected RNet"):
        presets.load_preset(RNet, "tiny", folder)


def test_read_table_broken_json(tmp_path):
    (tmp_path / presets.TABLE).write_text("{")
    with pytest.raises(ValueError, match="not a table of presets"):
        presets.read_table(tmp_path)


def test_shipped_table_is_complete():
    """Every shipped file is in the table, and every entry tells how to make it."""
    table = presets.read_table()
    assert {"identity_small", "r_net_small"} <= set(table)
    for name, entry in table.items():
        assert entry["description"] and entry["made_by"].startswith("tf-facerecon "), name
        assert entry["file"] == f"{name}.weights.h5"
        if (presets.weights_folder() / entry["file"]).exists():
            presets.preset_path(name)
    files = {path.name for path in presets.weights_folder().glob("*.h5")}
    assert files <= {entry["file"] for entry in table.values()}


def test_from_preset_keras_file(tmp_path, rng):
    images = rng.random((1, 40, 50, 3), dtype=np.float32)
    model = small_identity_network()
    model.save(tmp_path / "net.keras")
    np.testing.assert_allclose(
        IdentityNetwork.from_preset(tmp_path / "net.keras")(images), model(images), atol=1e-6
    )
    with pytest.raises(ValueError, match="class IdentityNetwork. Expected RNet"):
        RNet.from_preset(tmp_path / "net.keras")


def test_from_preset_keras_file_exception_raised(tmp_path):
    with pytest.raises(FileNotFoundError, match="no network file"):
        RNet.from_preset(tmp_path / "absent.keras")
    (tmp_path / "text.keras").write_text("not a network")
    with pytest.raises(ValueError, match="not a readable `.keras` file"):
        RNet.from_preset(tmp_path / "text.keras")


@pytest.mark.parametrize("kept", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_from_preset_cut_off_keras_file_exception_raised(tmp_path, kept):
    path = tmp_path / "net.keras"
    small_identity_network().save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(kept * len(whole))])
    with pytest.raises(ValueError, match="not a readable `.keras` file"):
        IdentityNetwork.from_preset(path)


def test_from_preset_rotten_keras_file_exception_raised(tmp_path):
    """One byte of a member's checked content, or of its header, is another."""
    path = tmp_path / "net.keras"
    small_identity_network().save(path)
    whole = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        header = archive.getinfo("config.json").header_offset
    for place in (header, whole.index(b"embedding_size")):
        path.write_bytes(whole[:place] + b"?" + whole[place + 1 :])
        with pytest.raises(ValueError, match="not a readable `.keras` file: Bad"):
            IdentityNetwork.from_preset(path)


def test_from_preset_changed_keras_file_exception_raised(tmp_path):
    """Archives that open, but whose members are damaged, missing or of another kind."""
    path = tmp_path / "net.keras"
    small_identity_network().save(path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    changes = {
        "model.weights.h5": [None, b"", members["model.weights.h5"][:1000]],
        "config.json": [None, b"", b"[]", b"{}", b"\xff"],
    }
    for name, contents in changes.items():
        for content in contents:
            with zipfile.ZipFile(path, "w") as archive:
                for key, value in {**members, name: content}.items():
                    if value is not None:
                        archive.writestr(key, value)
            with pytest.raises(ValueError, match="not a readable `.keras` file"):
                IdentityNetwork.from_preset(path)


def test_r_net_preset_keeps_face_model_and_lighting(tmp_path):
    net = RNet("small", lighting=9, face_model="mine", face_model_fingerprint="f00d")
    presets.save_preset(net, tmp_path, "r", **ABOUT)
    loaded = presets.load_preset(RNet, "r", tmp_path)
    assert (loaded.face_model, loaded.face_model_fingerprint) == ("mine", "f00d")
    assert loaded.heads.sizes["lighting"] == 9
    assert json.loads((tmp_path / presets.TABLE).read_text())["r"]["parameters"] == (
        net.count_params()
    )


def test_preset_of_a_network_in_half_precision_computes_in_float32(tmp_path, rng):
    net = IdentityNetwork(embedding_size=8, image_size=32, dtype="mixed_bfloat16")
    presets.save_preset(net, tmp_path, "half", **ABOUT)
    loaded = presets.load_preset(IdentityNetwork, "half", tmp_path)
    assert loaded.dtype_policy.name == "float32"
    assert {layer.compute_dtype for layer in loaded.trunk.layers} == {"float32"}
    full = small_identity_network()
    full.set_weights(loaded.get_weights())
    images = rng.random((2, 32, 32, 3), dtype=np.float32)
    np.testing.assert_array_equal(loaded(images), full(images))
