"""A folder of small made-up photographs, and a detector that knows where their faces are."""

import numpy as np

from tf_facerecon.io import image_files
from tf_facerecon.photos.face_detection import DetectedFace

FACE = np.array([[60.0, 70.0], [100.0, 71.0], [79.0, 94.0], [64.0, 112.0], [97.0, 113.0]])


class MadeUpDetector:
    """Finds one face in each photograph, unless its first pixel is black; counts the calls."""

    def __init__(self):
        self.calls = 0

    def detect(self, image):
        self.calls += 1
        if not image[0, 0].any():
            return []
        return [DetectedFace((40.0, 40.0, 80.0, 90.0), 0.99, FACE.copy())]


def write_photos(folder, names, seed=0):
    """Writes photographs of noise, 160 x 180 pixels, without black in the first pixel."""
    for i, name in enumerate(names):
        image = np.random.default_rng([seed, i]).integers(1, 256, (180, 160, 3), dtype=np.uint8)
        image_files.write_image(folder / name, image)


def landmarks_of(five_points):
    """68 landmarks whose five points are the given ones."""
    landmarks = np.tile(five_points.mean(axis=0), (68, 1)) + np.arange(68)[:, None] * 0.1
    landmarks[[36, 39]] = five_points[0] + [[-5, 0], [5, 0]]
    landmarks[[42, 45]] = five_points[1] + [[-5, 0], [5, 0]]
    landmarks[[30, 48, 54]] = five_points[2:]
    return landmarks
