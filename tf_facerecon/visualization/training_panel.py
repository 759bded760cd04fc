"""A picture that shows how a network in training sees a few faces."""

import keras
import numpy as np
import tensorflow as tf

from tf_facerecon.layers.face_decoder import FaceDecoder

_SHAPE_GREY = 0.75


class TrainingPanel:
    """Draws rows of photo, overlay and shape, one row per face.

    Args:
        r_net: Network in training, images `[B, H, W, 3]` in [0, 1] to coefficients.
        decoder: Decodes and draws its answers.
        images: The photographs `[B, H, W, 3]` in [0, 1]; the same every time.
    """

    def __init__(self, r_net: keras.Model, decoder: FaceDecoder, images: tf.Tensor):
        self.r_net, self.decoder = r_net, decoder
        self.images = tf.convert_to_tensor(images)
        self._paint_graph = tf.function(self._paint)

    def draw(self) -> np.ndarray:
        """The picture, uint8 `[B * H, 3 * W, 3]`, of the network as it is now."""
        return self._paint_graph().numpy()

    def _paint(self) -> tf.Tensor:
        coefficients = tf.cast(self.r_net(self.images, training=False), tf.float32)
        face = self.decoder(coefficients)
        overlay = self.images * (1 - face["mask"]) + face["image"] * face["mask"]
        # Seen from the camera, a surface is the brighter the more it faces it.
        facing = tf.clip_by_value(face["normals"][..., 2:], 0.0, 1.0)
        grey = _SHAPE_GREY * tf.repeat(0.2 + 0.8 * facing, 3, axis=-1)
        drawn = self.decoder.draw(face["vertices"], grey)
        shape = 1 - drawn["mask"] + drawn["image"]
        rows = tf.concat([self.images, overlay, shape], axis=2)
        picture = tf.reshape(rows, (-1, *rows.shape[2:]))
        return tf.cast(tf.round(255 * tf.clip_by_value(picture, 0.0, 1.0)), tf.uint8)
