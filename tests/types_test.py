"""Type checkers see the types of the public API although its imports are lazy."""

import os
import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]
SCRIPT = ROOT / "tests" / "user_script.py"
# In the order of `reveal_type` in the script. Keras and TensorFlow are untyped: tensors are `Any`.
REVEALED = [
    "numpy.ndarray",
    "tf_facerecon.morphable_models.morphable_model.MorphableModel",
    "float",
    "dict[str, Any]",
    "tf_facerecon.models.r_net.RNet",
    "dict[str, Any]",
    "def (terms: typing.Mapping[str, Any], weights: typing.Mapping[str, float]) -> Any",
    "tf_facerecon.models.hybrid_model.HybridModel",
    "tf_facerecon.morphable_models.morphable_model.MorphableModel",
    "list[tf_facerecon.inference.face_reconstruction.FaceReconstruction]",
]
MISTAKE = """
from tf_facerecon import geometry, losses

geometry.PerspectiveCamera(focal="long")
losses.total_loss({}, weights=3)
losses.total_los
"""


def check(path, folder):
    """Exit code and output of mypy, as for a user who has installed the package."""
    pytest.importorskip("mypy")
    # Errors inside of installed packages are not reported; this checkout counts as one.
    options = ["--ignore-missing-imports", "--follow-imports=silent", "--config-file="]
    finished = subprocess.run(
        [sys.executable, "-m", "mypy", *options, "--cache-dir", str(folder / "cache"), str(path)],
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, "MYPYPATH": str(ROOT)},
        timeout=500,
    )
    return finished.returncode, finished.stdout + finished.stderr


def test_user_script_has_no_errors_and_known_types(tmp_path):
    code, output = check(SCRIPT, tmp_path)
    assert code == 0, output
    revealed = re.findall(r'Revealed type is "(.*)"', output)
    assert len(revealed) == len(REVEALED), output
    for found, expected in zip(revealed, REVEALED, strict=True):
        assert found.startswith(expected), output


def test_mistakes_are_found(tmp_path):
    (tmp_path / "mistake.py").write_text(MISTAKE, encoding="utf-8")
    code, output = check(tmp_path / "mistake.py", tmp_path)
    assert code == 1
    assert len(re.findall(r"mistake\.py:(4|5|6): error", output)) == 3, output
