"""A figure for TensorBoard: reconstructions of a few fixed photos during training."""

import keras
import numpy as np
import tensorflow as tf

from tf_facerecon.layers.face_decoder import FaceDecoder

_SHAPE_GREY = 0.75


class TrainingPanel:
    """Draws photo, overlay and shape side by side, one row per face.

    Args:
        r_net: Network being trained, images `[B, H, W, 3]` in [0, 1] to coefficients `[B, C]`.
        decoder: Decodes and renders its coefficients.
        images: Aligned crops `[B, H, W, 3]` in [0, 1], the same in every panel.
    """

    def __init__(self, r_net: keras.Model, decoder: FaceDecoder, images: tf.Tensor):
        self.r_net, self.decoder = r_net, decoder
        self.images = tf.convert_to_tensor(images)
        self._compiled_render = tf.function(self._render)

    def draw(self) -> np.ndarray:
        """Renders the network's current predictions: uint8 `[B * H, 3 * W, 3]` RGB."""
        return self._compiled_render().numpy()

    def _render(self) -> tf.Tensor:
        coefficients = tf.cast(self.r_net(self.images, training=False), tf.float32)
        face = self.decoder(coefficients)
        overlay = self.images * (1 - face["mask"]) + face["image"] * face["mask"]
        # Headlight shading: the more a surface faces the camera, the brighter it is.
        facing = tf.clip_by_value(face["normals"][..., 2:], 0.0, 1.0)
        grey = _SHAPE_GREY * tf.repeat(0.2 + 0.8 * facing, 3, axis=-1)
        rendered = self.decoder.render_vertices(face["vertices"], grey)
        shape = 1 - rendered["mask"] + rendered["image"]
        rows = tf.concat([self.images, overlay, shape], axis=2)
        panel = tf.reshape(rows, (-1, *rows.shape[2:]))
        return tf.cast(tf.round(255 * tf.clip_by_value(panel, 0.0, 1.0)), tf.uint8)
