"""Landmarks whose jaw follows the visible contour, as 2D labels do, as a Keras layer."""

import dataclasses
from typing import TYPE_CHECKING

import keras
import tensorflow as tf

from tf_facerecon.geometry import camera as cameras
from tf_facerecon.geometry import contour_points, rotations
from tf_facerecon.layers import float32_layer
from tf_facerecon.layers.morphable_face import resolve_face_model
from tf_facerecon.layers.perspective_projection import resolve_camera
from tf_facerecon.morphable_models import jaw_contour, morphable_model


@keras.saving.register_keras_serializable(package="tf_facerecon")
class ContourLandmarks(float32_layer.Float32Layer):
    """Projects the 17 jaw landmarks onto the visible contour of the face (landmark marching).

    Each moves along its line across the cheek (`morphable_models.jaw_contour`) to the point that
    lies farthest out in the image; in a frontal view, that is nearly the landmark's own vertex. The
    choice of the point has no gradient, its position has.

    Args:
        face_model: `MorphableModel`, or a name for `MorphableModel.from_preset`.
        camera: `PerspectiveCamera`, or its fields as a dict; Deng's by default.
        fingerprint: Expected fingerprint of the face model; set by a saved configuration.

    Call arguments:
        vertices: Float tensor `[B, V, 3]`, the posed face in the world frame, decimetres.
        rotation: Float tensor `[B, 3]`, Euler angles (pitch, yaw, roll) of that pose, radians.

    Returns:
        `(column, row)` `[B, 17, 2]`, pixels.

    Raises:
        FileNotFoundError: If the named model's file is missing.
        ValueError: If an argument has another shape or dtype, `camera` is no camera, the model
            found is not the one with `fingerprint`, or its jaw landmarks coincide.
    """

    def __init__(
        self,
        face_model: morphable_model.MorphableModel | str = morphable_model.DEFAULT,
        camera: cameras.PerspectiveCamera | dict | None = None,
        fingerprint: str | None = None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.face_model = resolve_face_model(face_model, fingerprint)
        self.camera = resolve_camera(camera)
        lines = jaw_contour.jaw_lines(self.face_model)
        self._edges = float32_layer.constant(lines.vertices)
        self._weights = float32_layer.constant(lines.weights[..., None])
        self._outward = float32_layer.constant(lines.outward)

    def build(self, vertices_shape, rotation_shape):
        """Checks the shapes; there is nothing to make."""
        self._check_shapes(vertices_shape, rotation_shape)
        self.built = True

    def call(self, vertices: tf.Tensor, rotation: tf.Tensor) -> tf.Tensor:
        self._check_shapes(vertices.shape, rotation.shape)
        ends = tf.gather(tf.stop_gradient(vertices), self._edges, axis=1)
        candidates = cameras.project(tf.reduce_sum(ends * self._weights, axis=3), self.camera)
        matrix = rotations.rotation_matrix_from_euler(rotation)
        chosen = contour_points.outermost_candidates(candidates, self._outward, matrix)
        # Of the K candidates `[17, K, ...]` of each line the chosen one: `[B, 17, ...]`.
        every = tf.range(len(self._edges)) + tf.zeros_like(chosen)
        places = tf.stack([every, chosen], axis=-1)
        edges, weights = tf.gather_nd(self._edges, places), tf.gather_nd(self._weights, places)
        points = tf.reduce_sum(tf.gather(vertices, edges, batch_dims=1) * weights, axis=2)
        return cameras.project(points, self.camera)

    if TYPE_CHECKING:
        __call__ = call  # Keras is untyped: a layer is called with the signature of `call`.

    def compute_output_shape(self, vertices_shape, rotation_shape):
        """`[B, 17, 2]`."""
        self._check_shapes(vertices_shape, rotation_shape)
        return (vertices_shape[0], jaw_contour.NUM_JAW_LANDMARKS, 2)

    def _check_shapes(self, vertices_shape, rotation_shape):
        float32_layer.check_static_shapes(
            vertices=(vertices_shape, ("B", self.face_model.num_vertices, 3)),
            rotation=(rotation_shape, ("B", 3)),
        )

    def get_config(self):
        """All constructor arguments."""
        return {
            **super().get_config(),
            "face_model": self.face_model.name,
            "camera": dataclasses.asdict(self.camera),
            "fingerprint": self.face_model.fingerprint,
        }
