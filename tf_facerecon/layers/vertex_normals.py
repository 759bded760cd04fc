"""Vertex normals of a mesh as a Keras layer."""

from typing import TYPE_CHECKING

import keras
import tensorflow as tf

from tf_facerecon.geometry import mesh_normals
from tf_facerecon.layers import float32_layer
from tf_facerecon.rendering import per_image, screen_triangles


@keras.saving.register_keras_serializable(package="tf_facerecon")
class VertexNormals(float32_layer.Float32Layer):
    """Outward unit normals of vertices, n_v = Σ n_t / ‖Σ n_t‖ over the triangles at v.

    The triangles are saved as part of the configuration.

    Args:
        triangles: Integers `[T, 3]`, indices into the vertices, counter-clockwise from outside.

    Call arguments:
        vertices: Float tensor `[B, V, 3]` with a static V, in any frame.

    Returns:
        Unit normals `[B, V, 3]` in the frame of `vertices`; 0 for vertices that no triangle uses.

    Raises:
        ValueError: If `triangles` are not integers `[T, 3]`, one is negative or no vertex, V is
            unknown or differs from one call to the next, or `vertices` have another shape or dtype.
    """

    def __init__(self, triangles, **kwargs):
        super().__init__(**kwargs)
        self._num_vertices = None  # Known when built.
        self.triangles = screen_triangles.checked_triangles(triangles)

    def build(self, vertices_shape):
        """Lists the triangles at each of the V vertices."""
        self._check_shapes(vertices_shape)
        num_vertices = vertices_shape[1]
        if num_vertices is None:
            raise ValueError(
                "`vertices` must have a static number of vertices. "
                f"Received: shape {tuple(vertices_shape)}."
            )
        incidence = mesh_normals.vertex_incidence(self.triangles, num_vertices)
        self._num_vertices = num_vertices
        self._mesh = float32_layer.constant((self.triangles, incidence))
        self.built = True

    def call(self, vertices: tf.Tensor) -> tf.Tensor:
        self._check_shapes(vertices.shape)
        (normals,) = _normal_images((vertices,), shared=self._mesh)
        return normals

    if TYPE_CHECKING:
        __call__ = call  # Keras is untyped: a layer is called with the signature of `call`.

    def compute_output_shape(self, vertices_shape):
        """`[B, V, 3]`."""
        self._check_shapes(vertices_shape)
        return vertices_shape

    def _check_shapes(self, vertices_shape):
        float32_layer.check_static_shape("vertices", vertices_shape, (None, self._num_vertices, 3))

    def get_config(self):
        """All constructor arguments."""
        return {**super().get_config(), "triangles": self.triangles.tolist()}


def _vertex_normals(vertices, triangles, incidence):
    """Normals of one image, as the tuple that `PerImageFunction` expects."""
    return (mesh_normals.vertex_normals(vertices, triangles, incidence),)


_normal_images = per_image.PerImageFunction(_vertex_normals, num_differentiable=1, num_results=1)
