import os
import subprocess
import sys

import numpy as np
import pytest

from tf_facerecon.io import image_files
from tf_facerecon.photos.skin_probability import SkinModel

# A planet whose people are blue: the published model knows nothing of them.
SKIN, OTHER = (60, 90, 200), (90, 160, 60)


def run(*arguments):
    command = [sys.executable, "-m", "tf_facerecon", "train-skin-model", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


@pytest.fixture
def labelled(tmp_path, rng):
    for name in ("first.png", "second.jpg"):
        is_skin = np.zeros((40, 50), bool)
        is_skin[:, 25:] = True
        colours = np.where(is_skin[..., None], SKIN, OTHER) + rng.normal(0, 6, (40, 50, 3))
        mask = np.where(is_skin, 255, 0).astype(np.uint8)
        mask[:, 20:30] = 128
        image_files.write_image(tmp_path / "images" / name, colours.clip(0, 255).astype(np.uint8))
        image_files.write_image((tmp_path / "masks" / name).with_suffix(".png"), mask)
    return tmp_path


def test_train_skin_model_fits_and_repeats(labelled):
    out = labelled / "new" / "skin.npz"
    finished = run(labelled, "--out", out, "--components", 2, "--pixels", 1000)
    assert finished.returncode == 0, finished.stderr
    # 1000 of 1600 labelled pixels per class, every tenth of them kept back.
    assert "Fitting to 900 skin and 900 other pixels" in finished.stdout
    assert "held-out pixels: 100.0% (published model: 50.0%)" in finished.stdout
    assert "read labels: 100%" in finished.stderr
    model = SkinModel.load(out)
    assert model.probability(np.array(SKIN, np.uint8)) > 0.99
    assert model.probability(np.array(OTHER, np.uint8)) < 0.01
    assert os.listdir(out.parent) == ["skin.npz"]

    refused = run(labelled, "--out", out)
    assert refused.returncode == 2 and "--overwrite" in refused.stderr
    again = run(labelled, "--out", out, "--components", 2, "--pixels", 1000, "--overwrite")
    assert again.returncode == 0
    assert SkinModel.load(out).fingerprint == model.fingerprint


def test_train_skin_model_continues_and_reports_failures(labelled):
    (labelled / "images" / "text.png").write_text("hello", encoding="utf-8")
    image_files.write_image(labelled / "images/small.png", np.zeros((30, 30, 3), np.uint8))
    image_files.write_image(labelled / "masks/small.png", np.zeros((20, 20), np.uint8))
    image_files.write_image(labelled / "images/alone.png", np.zeros((30, 30, 3), np.uint8))
    finished = run(labelled, "--out", labelled / "skin.npz", "--components", 1)
    assert finished.returncode == 1
    assert (labelled / "skin.npz").is_file()
    failed = [line for line in finished.stderr.splitlines() if line.startswith("failed: ")]
    assert len(failed) == 3
    assert "alone.png" in failed[0] and "No image file" in failed[0]
    assert "must have the size of its photograph, 30 x 30" in failed[1]
    assert "text.png is not an image" in failed[2]


@pytest.mark.parametrize("missing", ["images", "masks"])
def test_train_skin_model_missing_folder_exception_raised(labelled, missing):
    (labelled / missing).rename(labelled / "other")
    finished = run(labelled, "--out", labelled / "skin.npz")
    assert finished.returncode == 2
    assert f"{missing} is missing; see --help" in finished.stderr
    assert "Traceback" not in finished.stderr


def test_train_skin_model_too_few_pixels_exception_raised(labelled):
    for path in (labelled / "masks").iterdir():
        image_files.write_image(path, np.full((40, 50), 128, np.uint8))
    finished = run(labelled, "--out", labelled / "skin.npz")
    assert finished.returncode == 2
    assert "at least 50 pixels for each of 4 components" in finished.stderr
    assert not (labelled / "skin.npz").exists()


def test_train_skin_model_help_and_bad_arguments(labelled):
    shown = run("--help")
    assert shown.returncode == 0
    assert "masks/<name>.png" in shown.stdout and "white where there is skin" in shown.stdout
    bad = run(labelled, "--out", labelled / "skin.pkl")
    assert bad.returncode == 2 and "--out must end in .npz" in bad.stderr
    assert run(labelled, "--out", labelled / "skin.npz", "--components", 0).returncode == 2
