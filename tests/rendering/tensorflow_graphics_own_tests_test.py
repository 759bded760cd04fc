"""tensorflow-graphics' own rendering tests with our visibility in place of its kernel."""

import importlib.util
import pathlib
import re
import subprocess
import sys

import pytest

TESTS = (
    "cpu_rasterization_backend_test.py",
    "barycentrics_test.py",
    "interpolate_test.py",
    "framebuffer_test.py",
    "splat_test.py",
    "utils_test.py",
)

# The wheel is of 2021: `numpy.math` has gone since, and its kernel does not load.
# Their scenes differ in shape from test to test, so compiling with XLA takes longer than it saves.
CODE = """
import functools
import math
import sys
import types

import numpy
import pytest

from tf_facerecon.rendering import tensorflow_graphics_backend

numpy.math = math
kernel = "tensorflow_graphics.rendering.kernels.rasterization_backend"
sys.modules[kernel] = types.SimpleNamespace(
    rasterize=functools.partial(tensorflow_graphics_backend.rasterize, jit_compile=False)
)
sys.exit(pytest.main(["-q", "-rs", "-p", "no:cacheprovider", *sys.argv[1:]]))
"""


@pytest.mark.slow
def test_tensorflow_graphics_own_tests_pass_with_our_visibility(tmp_path):
    pytest.importorskip("tensorflow_graphics.rendering.barycentrics")
    spec = importlib.util.find_spec("tensorflow_graphics.rendering.tests")
    folder = pathlib.Path(next(iter(spec.submodule_search_locations)))
    result = subprocess.run(
        [
            *(sys.executable, "-B", "-c", CODE, f"--rootdir={tmp_path}", "--import-mode=importlib"),
            *(str(folder / name) for name in TESTS),
        ],
        cwd=pathlib.Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    counts = dict(re.findall(r"(\d+) (\w+)", result.stdout.splitlines()[-1])[::-1])
    counts = {name: int(count) for count, name in counts.items()}
    assert counts["passed"] >= 26
    # Only "Not a test" of TensorFlow's own test class is skipped, once per class.
    skips = re.findall(r"SKIPPED .*", result.stdout)
    assert skips and all("Not a test" in skip for skip in skips)
