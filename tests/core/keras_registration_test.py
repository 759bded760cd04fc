"""Keras finds every serializable class of the package, whichever is imported first."""

import ast
import importlib
import json
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest

import tf_facerecon
from tests.toy_face import build_toy_face_model
from tf_facerecon.core import keras_registration

PACKAGE = pathlib.Path(tf_facerecon.__file__).parent
TRIANGLES = [[0, 1, 2]]
# Arguments of classes that cannot be built without, or are large without.
ARGUMENTS = {
    "Conv2D": {"filters": 2, "kernel_size": 3},
    "FaceDecoder": {"face_model": "toy"},
    "IdentityNetwork": {"embedding_size": 8, "image_size": 32},
    "MeshRenderer": {"triangles": TRIANGLES, "image_size": (8, 8)},
    "MorphableFace": {"face_model": "toy"},
    "RNet": {"backbone": "small", "identity": 6, "expression": 4, "texture": 5},
    "StepDecay": {"learning_rate": 1e-3, "decay_steps": 5, "decay_factor": 0.5},
    "VertexNormals": {"triangles": TRIANGLES},
}
ORDERS = {
    "keras first": "import keras\nimport tf_facerecon",
    "tf_facerecon first": "import tf_facerecon\nimport keras",
}


def arguments_of(name):
    if name not in ("HybridModel", "ImageSetModel"):
        return ARGUMENTS.get(name, {})
    arguments = {
        "r_net": tf_facerecon.RNet(**ARGUMENTS["RNet"]),
        "decoder": tf_facerecon.FaceDecoder("toy"),
        "identity_network": None,
        "loss_weights": {"landmark": 1.0},
    }
    if name == "ImageSetModel":
        arguments["c_net"] = tf_facerecon.CNet(identity=6)
    return arguments


def run(imports, code, *arguments):
    finished = subprocess.run(
        [sys.executable, "-c", f"import json, sys\n{imports}\n{code}", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert finished.returncode == 0, finished.stderr
    return json.loads(finished.stdout.splitlines()[-1])


def decorated_classes():
    """`{class: module}` of all uses of the decorator in the source."""
    found = {}
    for path in PACKAGE.rglob("*.py"):
        module = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and any(
                "register_keras_serializable" in ast.unparse(decorator)
                for decorator in node.decorator_list
            ):
                found[node.name] = module
    return found


@pytest.fixture(autouse=True)
def toy_face_model(tmp_path, monkeypatch):
    """A face model that every process finds by the name `toy`."""
    monkeypatch.setenv("TF_FACERECON_HOME", str(tmp_path / "home"))
    build_toy_face_model().save(tmp_path / "home" / "face_models" / "toy.npz")


def test_table_lists_all_registered_classes():
    """A new class with the decorator is added to `keras_registration.CLASSES`."""
    assert keras_registration.CLASSES == dict(sorted(decorated_classes().items()))


@pytest.mark.parametrize("imports", ORDERS.values(), ids=ORDERS)
def test_every_class_is_found(imports, tmp_path):
    configs = {}
    for name, module in keras_registration.CLASSES.items():
        found = getattr(importlib.import_module(f"tf_facerecon.{module}"), name)
        assert keras.saving.get_registered_object(f"tf_facerecon>{name}") is found
        configs[name] = keras.saving.serialize_keras_object(found(**arguments_of(name)))
    (tmp_path / "configs.json").write_text(json.dumps(configs), encoding="utf-8")
    code = (
        "assert 'tf_facerecon.layers.face_decoder' not in sys.modules\n"
        "configs = json.load(open(sys.argv[1]))\n"
        "load = keras.saving.deserialize_keras_object\n"
        "found = {name: type(load(config)).__module__ for name, config in configs.items()}\n"
        "print(json.dumps(found))"
    )
    modules = {name: f"tf_facerecon.{m}" for name, m in keras_registration.CLASSES.items()}
    assert run(imports, code, tmp_path / "configs.json") == modules


@pytest.mark.parametrize("imports", ORDERS.values(), ids=ORDERS)
def test_load_model_finds_a_decoder(imports, tmp_path, rng):
    coefficients = keras.Input((6 + 4 + 5 + 3 + 27 + 3,))
    decoder = tf_facerecon.FaceDecoder("toy")
    model = keras.Model(coefficients, decoder(coefficients)["landmarks"])
    model.save(tmp_path / "model.keras")
    values = rng.normal(size=(2, 48)).astype(np.float32)
    np.save(tmp_path / "values.npy", values)
    code = (
        "import numpy as np\n"
        "model = keras.models.load_model(sys.argv[1])\n"
        "print(json.dumps(model(np.load(sys.argv[2])).numpy().tolist()))"
    )
    loaded = run(imports, code, tmp_path / "model.keras", tmp_path / "values.npy")
    np.testing.assert_allclose(loaded, model(values), rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("imports", ORDERS.values(), ids=ORDERS)
def test_registered_object_builds_objects_before_its_class_is_imported(imports):
    code = (
        "StepDecay = keras.saving.get_registered_object('tf_facerecon>StepDecay')\n"
        "assert 'tf_facerecon.training.learning_rate' not in sys.modules\n"
        "schedule = StepDecay(1e-3, decay_steps=5, decay_factor=0.5)\n"
        "found = type(schedule)\n"
        "assert keras.saving.get_registered_object('tf_facerecon>StepDecay') is found\n"
        "print(json.dumps([found.__module__, found.__name__, schedule.get_config()]))"
    )
    module, name, config = run(imports, code)
    assert (module, name) == ("tf_facerecon.training.learning_rate", "StepDecay")
    assert config.items() >= ARGUMENTS["StepDecay"].items()
