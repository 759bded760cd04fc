"""`core.keras_settings`: the package under other global settings of Keras, in fresh processes."""

import ast
import json
import os
import pathlib
import subprocess
import sys
import types

import keras
import numpy as np
import pytest
import skimage.data

import tf_facerecon
from tf_facerecon.core import keras_settings

PACKAGE = pathlib.Path(tf_facerecon.__file__).parent
WITH_DATA_FORMAT = ("Conv", "Pool", "UpSampling", "Padding2D", "Flatten", "Cropping", "Random")

RECONSTRUCT = """
import sys
import numpy as np
import skimage.data
import tf_facerecon
import keras

photo = skimage.data.astronaut()
reconstructor = tf_facerecon.ImageSetReconstructor.from_preset()
person = reconstructor.reconstruct([photo, photo[:, ::-1]])
arrays = {"identity": person.identity, **person.images[0].coefficients}
arrays["embedding"] = person.images[0].embedding
np.savez(sys.argv[1], **{f"{name}_": value for name, value in arrays.items()})
r_net = tf_facerecon.RNet.from_preset("r_net_small")
model = tf_facerecon.HybridModel(
    r_net, tf_facerecon.FaceDecoder(), None, {"photometric": 1.0, "coefficient": 1.0}
)
model.compile(optimizer="adam")
shape = [1, 224, 224]
batch = {"image": np.full([*shape, 3], 0.5, np.float32), "skin": np.ones([*shape, 1], np.float32)}
assert np.isfinite(model.train_on_batch(batch, return_dict=True)["loss"])
tf_facerecon.RNet("small")
print(keras.config.backend(), keras.config.floatx(), keras.config.image_data_format())
"""


def run_with_settings(folder, code, *arguments, backend=None, **keras_json):
    (folder / "keras.json").write_text(json.dumps(keras_json), encoding="utf-8")
    environment = {k: v for k, v in os.environ.items() if k != "KERAS_BACKEND"}
    environment |= {"KERAS_HOME": str(folder), "PYTHONPATH": str(PACKAGE.parent)}
    environment |= {"KERAS_BACKEND": backend} if backend else {}
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        env=environment,
        capture_output=True,
        text=True,
    )


def test_results_do_not_depend_on_the_settings_of_keras(tmp_path):
    settings = {"image_data_format": "channels_first", "floatx": "float16"}
    path = tmp_path / "other.npz"
    ran = run_with_settings(tmp_path, RECONSTRUCT, path, backend="torch", **settings)
    assert ran.returncode == 0, ran.stderr
    assert "tensorflow float16 channels_first" in ran.stdout
    assert "tf_facerecon runs Keras on TensorFlow" in ran.stderr
    photo = skimage.data.astronaut()
    reconstructor = tf_facerecon.ImageSetReconstructor.from_preset()
    person = reconstructor.reconstruct([photo, photo[:, ::-1]])
    expected = {"identity": person.identity, **person.images[0].coefficients}
    expected["embedding"] = person.images[0].embedding
    with np.load(path) as found:
        for name, value in expected.items():
            assert found[f"{name}_"].dtype == np.float32, name
            np.testing.assert_allclose(found[f"{name}_"], value, atol=1e-5, err_msg=name)


@pytest.mark.parametrize("settings", [{"backend": "jax"}, {"backend": "tensorflow"}])
def test_keras_json_cannot_choose_another_backend(tmp_path, settings):
    code = "import tf_facerecon, keras; print(keras.config.backend())"
    ran = run_with_settings(tmp_path, code, **settings)
    assert ran.stdout.split() == ["tensorflow"], ran.stderr
    assert ("'jax' is configured" in ran.stderr) == (settings["backend"] == "jax")


def test_keras_on_another_backend_exception_raised(monkeypatch):
    config = types.SimpleNamespace(backend=lambda: "torch")
    monkeypatch.setitem(sys.modules, "keras", types.SimpleNamespace(config=config))
    with pytest.raises(ImportError, match="needs Keras on its TensorFlow backend.*'torch'"):
        keras_settings.choose_backend()


def test_layer_defaults_are_restored():
    before = keras.config.image_data_format(), keras.config.floatx(), keras.config.dtype_policy()
    keras.config.set_image_data_format("channels_first")
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        with pytest.raises(KeyError), keras_settings.layer_defaults():
            assert keras.layers.MaxPooling2D().data_format == "channels_last"
            assert keras.layers.Dense(1).dtype_policy.name == "float32"
            raise KeyError
        assert keras.config.image_data_format() == "channels_first"
        assert keras.config.dtype_policy().name == "mixed_bfloat16"
    finally:
        keras.config.set_image_data_format(before[0])
        keras.config.set_dtype_policy(before[2])
    assert keras.config.floatx() == before[1]


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: path.stem)
def test_layers_do_not_take_the_global_data_format(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        name = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
        if name == "keras.ops.image.resize" or (
            name.startswith("keras.layers.") and any(part in name for part in WITH_DATA_FORMAT)
        ):
            assert "channels_last" in ast.unparse(node), f"{path.name}, line {node.lineno}"
        if name == "keras.Input":
            assert "dtype" in {keyword.arg for keyword in node.keywords}, node.lineno
