import subprocess
import sys

import numpy as np
import PIL.Image
import skimage.data

from tests.datasets.made_up_photos import FACE, landmarks_of, write_photos
from tf_facerecon.io import image_files


def run(*arguments):
    command = [sys.executable, "-m", "tf_facerecon", "prepare-photos", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


def test_prepare_photos_tool(tmp_path):
    small = np.asarray(PIL.Image.fromarray(skimage.data.astronaut()).resize((300, 300)))
    image_files.write_image(tmp_path / "astronaut.png", small)
    image_files.write_image(tmp_path / "black.png", np.zeros((100, 100, 3), np.uint8))
    finished = run(tmp_path, "--out", tmp_path / "out")
    assert finished.returncode == 1, finished.stderr
    assert "1 of 2 photographs are ready in" in finished.stdout
    assert "skipped: black.png: No face was found" in finished.stderr
    assert (tmp_path / "out/crops/astronaut.png.png").is_file()


def test_prepare_photos_tool_landmarks_y_up(tmp_path):
    write_photos(tmp_path, ["a.png"])
    landmarks = landmarks_of(FACE)
    (tmp_path / "landmarks").mkdir()
    upward = np.column_stack([landmarks[:, 0], 179 - landmarks[:, 1]])
    np.savetxt(tmp_path / "landmarks/a.txt", upward)
    finished = run(tmp_path, "--landmarks-y-up")
    assert finished.returncode == 0, finished.stderr
    with np.load(tmp_path / "tf_facerecon_prepared/crops/a.png.npz") as labels:
        eyes, mouth = labels["five_points"][:2, 1], labels["five_points"][3:, 1]
    assert eyes.max() < mouth.min()


def test_prepare_photos_tool_exception_raised(tmp_path):
    finished = run(tmp_path / "none")
    assert finished.returncode == 2
    assert "error: No folder of photographs" in finished.stderr
    finished = run(tmp_path, "--skin-model", tmp_path / "none.npz")
    assert finished.returncode == 2
    assert "error: No skin model" in finished.stderr
