"""Training data in the layouts of the two Deep3D repositories, of made-up photographs."""

import numpy as np

from tests.datasets.made_up_photos import FACE, landmarks_of, write_photos
from tf_facerecon.io import image_files
from tf_facerecon.photos import face_alignment

HEIGHT, WIDTH = 180, 160  # of the photographs of `write_photos`
CROP_FACE = face_alignment.FIVE_POINT_TEMPLATE[:, :2] * [102, -102] + 112


def y_up(points, height):
    """Points with rows counted upwards from the last."""
    return points * [1, -1] + [0, height - 1]


def write_tensorflow_data(folder, names=("a", "b", "c"), *, binary=True):
    """As `preprocess_img.py` writes it: aligned crops, landmarks as text and binary, masks."""
    for kind in ("lm", "mask", *(["lm_bin"] if binary else [])):
        (folder / kind).mkdir(parents=True, exist_ok=True)
    for i, name in enumerate(names):
        rng = np.random.default_rng([7, i])
        image_files.write_image(
            folder / f"{name}.png", rng.integers(0, 256, (224, 224, 3), dtype=np.uint8)
        )
        mask = rng.integers(0, 256, (224, 224, 1), dtype=np.uint8)
        image_files.write_image(folder / "mask" / f"{name}.png", np.repeat(mask, 3, axis=-1))
        labels = y_up(landmarks_of(CROP_FACE) + i, 224)
        np.savetxt(folder / "lm" / f"{name}.txt", labels)
        if binary:
            labels.astype("<f8").tofile(folder / "lm_bin" / f"{name}.bin")


def write_pytorch_data(folder, names=("a.png", "b.png", "c.png"), *, split="train"):
    """As `data_preparation.py` writes it: photographs, labels, masks and the list of masks."""
    photos = folder / "datasets" / "some"
    for kind in ("landmarks", "mask"):
        (photos / kind).mkdir(parents=True, exist_ok=True)
    write_photos(photos, names)
    lines = []
    for i, name in enumerate(names):
        mask = np.random.default_rng([8, i]).integers(0, 256, (HEIGHT, WIDTH, 1), dtype=np.uint8)
        image_files.write_image(photos / "mask" / name, np.repeat(mask, 3, axis=-1))
        text = (photos / "landmarks" / name).with_suffix(".txt")
        np.savetxt(text, y_up(landmarks_of(FACE) + i, HEIGHT))
        lines.append(f"datasets/some/mask/{name}\n")
    list_path = folder / "datalist" / split / "masks.txt"
    list_path.parent.mkdir(parents=True, exist_ok=True)
    list_path.write_text("".join(lines), encoding="utf-8")
