"""Image sets of the toy face, with stub networks whose outputs depend on the crop's pixels."""

import numpy as np
import tensorflow as tf

from tests import toy_reconstruction as toy
from tf_facerecon.inference.image_set_reconstructor import ImageSetReconstructor
from tf_facerecon.photos.face_detection import DetectedFace

NUM_IDENTITY = 6


class BrightnessDetector:
    """Detects the toy face in images of the toy photo's size; confidence grows with brightness."""

    def detect(self, image):
        if image.shape != toy.toy_photo().shape:
            return []
        known = toy.detected_face()
        return [DetectedFace(known.box, float(image.mean()) / 255.0, known.five_points)]


def photo(number: int) -> np.ndarray:
    """Photo whose brightness grows with its number, 0 to 200."""
    return (toy.toy_photo() * (0.3 + number / 400)).astype(np.uint8)


def embed(crops, training=False):
    """Identity embeddings: bright crops show one person, dark ones another."""
    bright = tf.reduce_mean(crops, axis=(1, 2, 3)) > 0.3
    return tf.where(bright[:, None], [[1.0, 0.2]], [[-0.5, 1.0]])


def build_toy_set_reconstructor(reconstructor, identity_network=None) -> ImageSetReconstructor:
    """A reconstructor whose coefficients and confidences are random, seeded by the crop."""
    with_detector = reconstructor.__class__(
        reconstructor.r_net,
        reconstructor.decoder,
        BrightnessDetector(),
        reconstructor.skin_model,
        reconstructor.refiner,
    )
    built = ImageSetReconstructor(with_detector, None, identity_network)
    built.c_net = object()
    layout = reconstructor.decoder.layout

    def predict(crops):
        rng = np.random.default_rng(
            np.rint(1e4 * np.asarray(crops)[0, 60:70, 60:70]).astype(int).ravel()
        )
        groups = {name: rng.normal(size=(1, size)) for name, size in layout.sizes.items()}
        groups["rotation"] *= 0.1
        groups["translation"] *= 0.1
        outputs = {
            "coefficients": layout.merge(groups),
            "confidence": np.exp(rng.normal(size=(1, layout.identity))),
        }
        if identity_network is not None:
            outputs["embedding"] = identity_network(crops)
        return {name: tf.constant(value, tf.float32) for name, value in outputs.items()}

    built._predict = predict
    return built
