"""The visibility of this room behind tensorflow-graphics' backend contract.

tensorflow-graphics' own kernel does not load in current TensorFlow, its Python does. A framebuffer
made here goes where one of its kernel would: its `.layer(0)` into `differentiable_barycentrics`,
`interpolate_vertex_attribute` and deferred shading.

Convention:
    tensorflow-graphics counts rows upwards: row 0 of a framebuffer is the BOTTOM row. Background
    pixels hold triangle 0 and mask 0. Image sizes are `(width, height)`.

Needs tensorflow-graphics 2021.12.3, imported on the first call.
"""

from __future__ import annotations

import typing

import tensorflow as tf

from tf_facerecon.core import checks
from tf_facerecon.rendering import visibility

if typing.TYPE_CHECKING:
    from tensorflow_graphics.rendering import framebuffer


def rasterize(
    vertices: tf.Tensor,
    triangles: tf.Tensor,
    view_projection_matrices: tf.Tensor,
    image_size: tuple[int, int],
    enable_cull_face: bool = True,
    num_layers: int = 1,
) -> framebuffer.Framebuffer:
    """A backend with the signature of `tensorflow_graphics.rendering.rasterization_backend`.

    Args:
        vertices: Float tensor `[B, V, 3]`.
        triangles: Int32 tensor `[T, 3]`; counter-clockwise is the front.
        view_projection_matrices: Float tensor `[B, 4, 4]` from vertices to clip coordinates.
        image_size: `(width, height)` in pixels.
        enable_cull_face: Leave out triangles seen from behind.
        num_layers: Only 1 is offered.

    Returns:
        Framebuffer with tensors `[B, 1, H, W, channels]`; its barycentrics are 0 and to be filled
        in by `differentiable_barycentrics`.

    Raises:
        ValueError: If a shape is not as stated or more than one layer is asked for.
    """
    vertices = tf.convert_to_tensor(vertices)
    checks.check_shape("vertices", vertices, (None, None, 3))
    checks.check_shape("view_projection_matrices", view_projection_matrices, (None, 4, 4))
    if num_layers != 1:
        raise ValueError(f"`num_layers` must be 1. Received: {num_layers}.")
    homogeneous = tf.concat([vertices, tf.ones_like(vertices[..., :1])], axis=-1)
    clip_vertices = tf.matmul(homogeneous, view_projection_matrices, transpose_b=True)
    width, height = image_size
    triangle_ids = visibility.visible_triangles(
        clip_vertices, triangles, (height, width), cull_back_faces=enable_cull_face
    )
    return framebuffer_from_ids(triangle_ids, triangles)


def framebuffer_from_ids(triangle_ids: tf.Tensor, triangles: tf.Tensor) -> framebuffer.Framebuffer:
    """Converts `triangle_ids` `[B, H, W]` of `visibility` to a one-layer framebuffer."""
    from tensorflow_graphics.rendering import framebuffer

    checks.check_shape("triangle_ids", triangle_ids, (None, None, None))
    upward = tf.reverse(triangle_ids, axis=[1])[:, tf.newaxis, :, :, tf.newaxis]
    mask = tf.cast(upward != visibility.BACKGROUND, tf.float32)
    triangle_id = tf.maximum(upward, 0)
    vertex_ids = tf.gather(triangles, triangle_id[..., 0])
    barycentrics = framebuffer.RasterizedAttribute(tf.zeros_like(vertex_ids, mask.dtype))
    return framebuffer.Framebuffer(
        foreground_mask=mask,
        triangle_id=triangle_id,
        vertex_ids=vertex_ids,
        barycentrics=barycentrics,
    )


def interpolate_images(
    triangle_ids: tf.Tensor, clip_vertices: tf.Tensor, triangles: tf.Tensor, attributes: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """tensorflow-graphics in place of `attribute_interpolation.interpolate_images`.

    Its framebuffer of the visible triangles, its differentiable barycentrics and its interpolation;
    gradients flow to `clip_vertices` and `attributes`.

    Args:
        triangle_ids: Int32 tensor `[B, H, W]`, -1 in the background; row 0 on top.
        clip_vertices: Float32 tensor `[B, V, 4]`.
        triangles: Int32 tensor `[T, 3]`.
        attributes: Float32 tensor `[B, V, C]`.

    Returns:
        Attributes `[B, H, W, C]` and barycentrics `[B, H, W, 3]`, 0 in the background; row 0 on
        top.
    """
    from tensorflow_graphics.rendering import barycentrics, interpolate

    framebuffer = framebuffer_from_ids(triangle_ids, triangles).layer(0)
    framebuffer = barycentrics.differentiable_barycentrics(framebuffer, clip_vertices, triangles)
    values = interpolate.interpolate_vertex_attribute(attributes, framebuffer)
    return tuple(
        tf.ensure_shape(tf.reverse(image.value, axis=[1]), [*triangle_ids.shape, channels])
        for image, channels in ((values, attributes.shape[-1]), (framebuffer.barycentrics, 3))
    )


def check_importable() -> None:
    """Raises unless tensorflow-graphics can be imported.

    Raises:
        ImportError: If it cannot.
    """
    try:
        from tensorflow_graphics.rendering import barycentrics, interpolate  # noqa: F401
    except ImportError as error:
        raise ImportError(
            'The renderer backend "tensorflow_graphics" needs tensorflow-graphics 2021.12.3, which '
            f"cannot be imported here ({error}). pip installs it up to Python 3.11; from 3.12 on "
            "only with `pip install --no-deps tensorflow-graphics==2021.12.3`. The default "
            'backend, "native", needs nothing but TensorFlow.'
        ) from error
