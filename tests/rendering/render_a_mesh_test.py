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
    command = [sys.executable, str(EXAMPLE), "squares.obj", "image.png", "--size", "64"]
    subprocess.run(command, cwd=tmp_path, check=True, timeout=300)
    image = np.asarray(Image.open(tmp_path / "image.png"), np.float64)
    assert image.shape == (64, 64, 4)
    assert image[0, 0, 3] == 0 and image[32, 32, 3] == 255
    np.testing.assert_allclose(image[32, 32, :3], [127, 127, 0], atol=8)
    assert image[32, 20, 0] > image[32, 44, 0]
