"""A reconstructor of the toy face with fixed detections, for tests that take seconds."""

import numpy as np

from tests.toy_face import build_toy_face_model
from tf_facerecon.inference.reconstructor import FaceReconstructor
from tf_facerecon.inference.refinement import Refiner
from tf_facerecon.layers.face_decoder import FaceDecoder
from tf_facerecon.models.r_net import RNet
from tf_facerecon.photos.face_detection import DetectedFace

# Eyes, nose tip, mouth corners of a face about 100 pixels wide.
FIVE_POINTS = np.array([[90.0, 92.0], [132.0, 90.0], [112.0, 116.0], [96.0, 138.0], [130.0, 137.0]])


class FixedDetector:
    """A face detector that returns the same detections for every image."""

    def __init__(self, *faces):
        self.faces = list(faces)

    def detect(self, image):
        return self.faces


def detected_face(offset=(0.0, 0.0), scale=1.0) -> DetectedFace:
    points = FIVE_POINTS * scale + offset
    left, top = points.min(axis=0)
    right, bottom = points.max(axis=0)
    return DetectedFace((left, top, right - left, bottom - top), 0.99, points)


def build_toy_network(decoder, **changes) -> RNet:
    """A network with zero heads: it predicts the mean face."""
    model = decoder.face_model
    settings = {"face_model": model.name, "face_model_fingerprint": model.fingerprint, **changes}
    return RNet("small", **{**decoder.layout.sizes, **settings})


def build_toy_reconstructor() -> FaceReconstructor:
    decoder = FaceDecoder(build_toy_face_model())
    detector = FixedDetector(detected_face(), detected_face((0.0, 70.0), 0.5))
    refiner = Refiner(decoder, steps=4)
    return FaceReconstructor(build_toy_network(decoder), decoder, detector, refiner=refiner)


def toy_photo(height=260, width=240) -> np.ndarray:
    """Skin-coloured gradient, brighter to the right: `[height, width, 3]` uint8."""
    ramp = np.linspace(0.6, 1.0, width)[None, :, None] * np.array([224.0, 172.0, 140.0])
    return np.repeat(ramp, height, axis=0).astype(np.uint8)
