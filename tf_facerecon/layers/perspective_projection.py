"""The perspective camera as Keras layers (Deng et al. 2019, camera)."""

import dataclasses
from typing import TYPE_CHECKING

import keras
import tensorflow as tf

from tf_facerecon.geometry import camera as cameras
from tf_facerecon.layers import float32_layer


class _CameraLayer(float32_layer.Float32Layer):
    """A layer with a `PerspectiveCamera`."""

    def __init__(self, camera: cameras.PerspectiveCamera | dict | None = None, **kwargs):
        super().__init__(**kwargs)
        self.camera = resolve_camera(camera)

    def build(self, points_shape):
        """Checks the shape; there is nothing to make."""
        self._check_shapes(points_shape)
        self.built = True

    def _check_shapes(self, points_shape):
        float32_layer.check_static_shape("points", points_shape, (None, None, 3))

    def get_config(self):
        """The camera's fields among the configuration."""
        return {**super().get_config(), "camera": dataclasses.asdict(self.camera)}


@keras.saving.register_keras_serializable(package="tf_facerecon")
class PerspectiveProjection(_CameraLayer):
    """Projects world points into the image: u = f X / Z + c, v = f Y / Z + c.

    Args:
        camera: `PerspectiveCamera`, or its fields as a dict; Deng's by default (focal length 1015
            px, image 224 px, distance 10 dm).

    Call arguments:
        points: Float tensor `[B, N, 3]`, world frame, decimetres, in front of the camera.

    Returns:
        `(column, row)` `[B, N, 2]`, pixels, row down: where `MeshRenderer` renders the points,
        unless the camera has a `half_pixel_offset`.

    Raises:
        ValueError: If `points` have another shape or dtype, or `camera` is no camera, or one of its
            fields is unknown or out of range.
    """

    def call(self, points: tf.Tensor) -> tf.Tensor:
        self._check_shapes(points.shape)
        return cameras.project(points, self.camera)

    if TYPE_CHECKING:
        __call__ = call  # Keras is untyped: a layer is called with the signature of `call`.

    def compute_output_shape(self, points_shape):
        """`[B, N, 2]`."""
        self._check_shapes(points_shape)
        return (*points_shape[:-1], 2)


@keras.saving.register_keras_serializable(package="tf_facerecon")
class ClipSpaceProjection(_CameraLayer):
    """Transforms world points to the OpenGL clip coordinates that `MeshRenderer` takes.

    Args:
        camera: As for `PerspectiveProjection`.

    Call arguments:
        points: Float tensor `[B, N, 3]`, world frame, decimetres.

    Returns:
        Homogeneous clip coordinates `[B, N, 4]`: y up, w is the depth in decimetres.

    Raises:
        ValueError: If `points` have another shape or dtype, or `camera` is no camera, or one of its
            fields is unknown or out of range.
    """

    def call(self, points: tf.Tensor) -> tf.Tensor:
        self._check_shapes(points.shape)
        return cameras.to_clip_space(points, self.camera)

    if TYPE_CHECKING:
        __call__ = call  # Keras is untyped: a layer is called with the signature of `call`.

    def compute_output_shape(self, points_shape):
        """`[B, N, 4]`."""
        self._check_shapes(points_shape)
        return (*points_shape[:-1], 4)


def resolve_camera(
    camera: cameras.PerspectiveCamera | dict | None,
) -> cameras.PerspectiveCamera:
    """The camera itself, the one with these fields, or the default one.

    Raises:
        ValueError: If it is neither a camera, a dict nor `None`, or if a field is unknown or out of
            range.
    """
    if camera is None:
        return cameras.PerspectiveCamera()
    if isinstance(camera, cameras.PerspectiveCamera):
        return camera
    if not isinstance(camera, dict):
        raise ValueError(
            "`camera` must be a `PerspectiveCamera`, a dict of its fields or `None`. "
            f"Received: {camera!r}."
        )
    try:
        return cameras.PerspectiveCamera(**camera)
    except TypeError as error:  # An unknown field, or one that is not a number.
        raise ValueError(
            f"`camera` must have the fields of a `PerspectiveCamera`. Received: {camera!r}."
        ) from error
