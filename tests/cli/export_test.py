"""`tf-facerecon export`: its SavedModel needs TensorFlow and nothing of this package."""

import subprocess
import sys

import numpy as np
import pytest

from tests.toy_face import build_toy_face_model
from tests.toy_reconstruction import build_toy_network
from tf_facerecon.cli import export
from tf_facerecon.export import saved_model
from tf_facerecon.layers.face_decoder import FaceDecoder

# The package cannot be imported in this process, whatever is installed.
TENSORFLOW_ONLY = """
import sys
for name in ("tf_facerecon", "keras"):
    sys.modules[name] = None
import numpy as np
import tensorflow as tf
images = np.load(sys.argv[2])
served = tf.saved_model.load(sys.argv[1]).signatures["serving_default"](image=tf.constant(images))
np.savez(sys.argv[3], **{name: value.numpy() for name, value in served.items()})
"""


@pytest.fixture(scope="module")
def toy_files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("network")
    model = build_toy_face_model()
    model.save(folder / "toy.npz")
    decoder = FaceDecoder(model)
    r_net = build_toy_network(decoder)
    rng = np.random.default_rng(2)
    for kernel in r_net.heads.trainable_variables:
        kernel.assign(0.05 * rng.standard_normal(kernel.shape))
    r_net.save(folder / "toy.keras")
    arguments = ["--network", str(folder / "toy.keras"), "--face-model", str(folder / "toy.npz")]
    return arguments, r_net, decoder


def test_export_is_served_by_tensorflow_alone(toy_files, tmp_path, rng):
    arguments, r_net, decoder = toy_files
    out = tmp_path / "serving" / "1"
    assert export.main([*arguments, "--out", str(out)]) == 0
    images = rng.uniform(size=(2, 224, 224, 3)).astype(np.float32)
    np.save(tmp_path / "images.npy", images)
    files = [str(out), str(tmp_path / "images.npy"), str(tmp_path / "served.npz")]
    subprocess.run([sys.executable, "-c", TENSORFLOW_ONLY, *files], check=True, cwd=tmp_path)
    expected = saved_model.geometry_from_images(r_net, decoder, images)
    with np.load(tmp_path / "served.npz") as served:
        assert set(served.files) == set(saved_model.OUTPUTS)
        for name in saved_model.OUTPUTS:
            np.testing.assert_allclose(served[name], expected[name], atol=1e-4, err_msg=name)


def test_export_refuses(toy_files, tmp_path, capsys):
    arguments, *_ = toy_files
    assert export.main([*arguments, "--out", str(tmp_path)]) == 2
    assert "exists already" in capsys.readouterr().err
    assert export.main(["--network", "none.keras", "--out", str(tmp_path / "x")]) == 2
    assert "none.keras" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
