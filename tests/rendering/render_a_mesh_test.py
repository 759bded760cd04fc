import pathlib
import subprocess
import sys

import numpy as np
from PIL import Image

EXAMPLE = pathlib.Path(__file__).resolve().parents[2] / "examples" / "render_a_mesh.py"


def test_render_a_mesh(tmp_path):
    # A square, red on the left and green on the right, and nearer than a blue one behind it.
    (tmp_path / "squares.obj").write_text(
        "v -1 -1 0 1 0 0\nv 1 -1 0 0 1 0\nv 1 1 0 0 1 0\nv -1 1 0 1 0 0\n"
        "v -1 -1 -1 0 0 1\nv 1 -1 -1 0 0 1\nv 1 1 -1 0 0 1\nv -1 1 -1 0 0 1\n"
        "f 1 2 3 4\nf 5 6 7 8\n"
    )
    command = [sys.executable, str(EXAMPLE), "squares.obj", "picture.png", "--size", "64"]
    subprocess.run(command, cwd=tmp_path, check=True, timeout=300)
    picture = np.asarray(Image.open(tmp_path / "picture.png"), np.float64)
    assert picture.shape == (64, 64, 4)
    assert picture[0, 0, 3] == 0 and picture[32, 32, 3] == 255
    np.testing.assert_allclose(picture[32, 32, :3], [127, 127, 0], atol=8)
    assert picture[32, 20, 0] > picture[32, 44, 0]
