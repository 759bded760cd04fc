"""Fixed pinhole camera: world points to landmark pixels and to clip space.

Convention:
    World frame: x right in the image, y up, z towards the camera; decimetres. The camera stands
    at `(0, 0, distance)` and looks along -z.
    Camera frame: `(X, Y, Z) = (x, y, distance - z)`; Y up, Z is the depth.
    Projection: `u = focal · X / Z + size / 2`, `v = focal · Y / Z + size / 2` with v up.
    Landmark pixels: `(column, row) = (u - 0.5, size - 0.5 - v)`, row down: the index of the pixel
    at which the rasterizer, which samples at `index + 0.5`, renders the point.

Half-pixel offset:
    The code of Deng et al. places landmarks at `(u, size - 1 - v)`, half a pixel to the right of
    and half a pixel above where the point is rendered, and published weights were trained so. A
    camera with `half_pixel_offset=True` does the same.
"""

import dataclasses

import numpy as np
import tensorflow as tf

from tf_facerecon.core import checks


@dataclasses.dataclass(frozen=True)
class PerspectiveCamera:
    """A square pinhole camera on the z axis that looks at the origin.

    Attributes:
        focal: Focal length, pixels.
        image_size: Width and height of the image, pixels.
        distance: z of the camera centre, decimetres.
        near: Depth of the near clipping plane, decimetres.
        far: Depth of the far clipping plane, decimetres.
        half_pixel_offset: Whether landmarks lie half a pixel to the right of and above where their
            points are rendered, as in the code and the published weights of Deng et al.

    Raises:
        ValueError: If a length is not positive, `far` does not lie behind `near`, or
            `half_pixel_offset` is not a bool.
    """

    focal: float = 1015.0
    image_size: int = 224
    distance: float = 10.0
    near: float = 5.0
    far: float = 15.0
    half_pixel_offset: bool = False

    def __post_init__(self) -> None:
        for name in ("focal", "image_size", "distance"):
            if not getattr(self, name) > 0:
                raise ValueError(f"`{name}` must be positive. Received: {getattr(self, name)}.")
        if not 0 < self.near < self.far:
            raise ValueError(
                "`near` and `far` must satisfy 0 < near < far (decimetres). "
                f"Received: near={self.near}, far={self.far}."
            )
        if not isinstance(self.half_pixel_offset, bool):
            raise ValueError(
                f"`half_pixel_offset` must be True or False. Received: {self.half_pixel_offset!r}."
            )

    @property
    def principal_point(self) -> tuple[float, float]:
        """`(column, row)` at which `project` places points on the optical axis, pixels."""
        centre = (self.image_size - 1) / 2
        shift = 0.5 if self.half_pixel_offset else 0.0
        return centre + shift, centre - shift


def world_to_camera(points: tf.Tensor, camera: PerspectiveCamera) -> tf.Tensor:
    """World points in the camera frame.

    Args:
        points: Float tensor `[..., 3]`, world frame, decimetres.
        camera: The camera.

    Returns:
        `(X, Y, Z) = (x, y, distance - z)` as `[..., 3]`, decimetres; Z is the depth.

    Raises:
        ValueError: If the last axis of `points` is not 3.
    """
    points = tf.convert_to_tensor(points)
    checks.check_shape("points", points, (..., 3))
    x, y, z = tf.unstack(points, axis=-1)
    return tf.stack([x, y, camera.distance - z], axis=-1)


def project(points: tf.Tensor, camera: PerspectiveCamera) -> tf.Tensor:
    """Landmark pixels of world points.

    Points must lie in front of the camera (z < distance); this is not checked.

    Args:
        points: Float tensor `[..., N, 3]`, world frame, decimetres.
        camera: The camera.

    Returns:
        `(column, row)` as `[..., N, 2]`, pixels, row down: where the rasterizer renders the points,
        unless the camera has a `half_pixel_offset`.

    Raises:
        ValueError: If the last axis of `points` is not 3.
    """
    x, y, depth = tf.unstack(world_to_camera(points, camera), axis=-1)
    centre_column, centre_row = camera.principal_point
    column = centre_column + camera.focal * x / depth
    row = centre_row - camera.focal * y / depth
    return tf.stack([column, row], axis=-1)


def to_clip_space(points: tf.Tensor, camera: PerspectiveCamera) -> tf.Tensor:
    """OpenGL clip coordinates of world points: y up, w = depth.

    After division by w, x and y of -1..1 span the image from left to right and from bottom to top,
    and z of -1..1 the depths from `near` to `far`.

    Args:
        points: Float tensor `[..., N, 3]`, world frame, decimetres.
        camera: The camera.

    Returns:
        Homogeneous clip coordinates `[..., N, 4]`.

    Raises:
        ValueError: If the last axis of `points` is not 3.
    """
    points = tf.convert_to_tensor(points)
    checks.check_shape("points", points, (..., 3))
    focal = camera.focal / (camera.image_size / 2)
    depth_range = camera.far - camera.near
    scale = (camera.far + camera.near) / depth_range
    # One small matrix product and one sum: splitting coordinates would cost as much as evaluating
    # the whole morphable model.
    linear = [[focal, 0, 0, 0], [0, focal, 0, 0], [0, 0, -scale, -1]]
    offset = [
        0,
        0,
        scale * camera.distance - 2 * camera.far * camera.near / depth_range,
        camera.distance,
    ]
    flat = tf.reshape(points, (-1, 3))
    clip = tf.matmul(flat, tf.constant(linear, points.dtype)) + tf.constant(offset, points.dtype)
    return tf.reshape(clip, tf.concat([tf.shape(points)[:-1], [4]], axis=0))


def intrinsics_matrix(camera: PerspectiveCamera) -> np.ndarray:
    """Intrinsic matrix K in the form that vision libraries expect.

    K acts on a camera frame with x right, y down, z into the scene, `(X, -Y, Z)`, and gives
    landmark pixels: `(column, row, 1) ~ K · extrinsics_matrix · (x, y, z, 1)`.

    Args:
        camera: The camera.

    Returns:
        float64 `[3, 3]`, pixels. Its principal point is that of the camera.
    """
    column, row = camera.principal_point
    return np.array([[camera.focal, 0, column], [0, camera.focal, row], [0, 0, 1]], np.float64)


def extrinsics_matrix(camera: PerspectiveCamera) -> np.ndarray:
    """World-to-camera matrix for `intrinsics_matrix`: rotation by π about x, then a translation.

    Args:
        camera: The camera.

    Returns:
        float64 `[3, 4]`: `(x, y, z, 1)` to `(x, -y, distance - z)`, decimetres.
    """
    return np.array([[1, 0, 0, 0], [0, -1, 0, 0], [0, 0, -1, camera.distance]], np.float64)
