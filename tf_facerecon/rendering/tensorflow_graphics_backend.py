"""tensorflow-graphics' own rendering path on top of our visibility.

tensorflow-graphics' C++ kernel does not load in current TensorFlow, its Python code does. Here our
visibility replaces the kernel: `rasterize` has the signature of tensorflow-graphics' rasterization
backends, and `interpolate_images` passes visible triangles to its framebuffer,
differentiable barycentrics and interpolation.

Convention:
    tensorflow-graphics counts rows upwards: row 0 of a framebuffer is the BOTTOM row. Background
    pixels hold triangle 0 and mask 0. Image sizes are `(width, height)`.

Needs tensorflow-graphics 2021.12.3, imported on the first call.
"""

from __future__ import annotations

import importlib
import typing

import tensorflow as tf

from tf_facerecon.core import checks
from tf_facerecon.rendering import attribute_interpolation, visibility

if typing.TYPE_CHECKING:
    from tensorflow_graphics.rendering import framebuffer


def rasterize(
    vertices: tf.Tensor,
    triangles: tf.Tensor,
    view_projection_matrices: tf.Tensor,
    image_size: tuple[int, int],
    enable_cull_face: bool = True,
    num_layers: int = 1,
    jit_compile: bool = True,
) -> framebuffer.Framebuffer:
    """A backend with the signature of `tensorflow_graphics.rendering.rasterization_backend`.

    Args:
        vertices: Float tensor `[B, V, 3]`.
        triangles: Int32 tensor `[T, 3]`; counter-clockwise is the front.
        view_projection_matrices: Float tensor `[B, 4, 4]` from vertices to clip coordinates.
        image_size: `(width, height)` in pixels.
        enable_cull_face: Leave out triangles seen from behind.
        num_layers: Number L of depth layers: the nearest triangle of each pixel, the next behind
            it and so on (depth peeling).
        jit_compile: Compile our part with XLA.

    Returns:
        Framebuffer with tensors `[B, L, H, W, channels]`. Its barycentrics have no gradient, as
        those of the kernel; `differentiable_barycentrics` replaces them.

    Raises:
        ValueError: If a shape is not as stated or `num_layers` is not positive.
    """
    vertices = tf.convert_to_tensor(vertices)
    triangles = tf.convert_to_tensor(triangles, tf.int32)
    checks.check_shape("vertices", vertices, (None, None, 3))
    checks.check_shape("view_projection_matrices", view_projection_matrices, (None, 4, 4))
    if num_layers < 1:
        raise ValueError(f"`num_layers` must be positive. Received: {num_layers}.")
    homogeneous = tf.concat([vertices, tf.ones_like(vertices[..., :1])], axis=-1)
    clip_vertices = tf.matmul(homogeneous, view_projection_matrices, transpose_b=True)
    width, height = image_size
    layers, barycentrics = [], []
    for _ in range(num_layers):
        nearest = visibility.visible_triangles(
            clip_vertices,
            triangles,
            (height, width),
            cull_back_faces=enable_cull_face,
            excluded=tf.stack(layers, axis=1) if layers else None,
            jit_compile=jit_compile,
        )
        _, weights = attribute_interpolation.interpolate_images(
            (clip_vertices, clip_vertices[..., :1]),
            (nearest,),
            (triangles,),
            jit_compile=jit_compile,
        )
        layers.append(nearest)
        barycentrics.append(tf.stop_gradient(weights))
    return _framebuffer(tf.stack(layers, axis=1), triangles, tf.stack(barycentrics, axis=1))


def framebuffer_from_ids(triangle_ids: tf.Tensor, triangles: tf.Tensor) -> framebuffer.Framebuffer:
    """Converts `triangle_ids` `[B, H, W]` of `visibility` to a one-layer framebuffer.

    Its barycentrics are 0 and to be replaced by `differentiable_barycentrics`.
    """
    checks.check_shape("triangle_ids", triangle_ids, (None, None, None))
    layers = triangle_ids[:, tf.newaxis]
    zero = tf.zeros_like(layers, tf.float32)
    return _framebuffer(layers, triangles, tf.stack([zero, zero, zero], axis=-1))


def _framebuffer(triangle_ids, triangles, barycentrics):
    """Framebuffer of `triangle_ids` `[B, L, H, W]` and `barycentrics` `[B, L, H, W, 3]`."""
    from tensorflow_graphics.rendering import framebuffer

    upward = tf.reverse(triangle_ids, axis=[2])[..., tf.newaxis]
    triangle_id = tf.maximum(upward, 0)
    return framebuffer.Framebuffer(
        foreground_mask=tf.cast(upward != visibility.BACKGROUND, tf.float32),
        triangle_id=triangle_id,
        vertex_ids=tf.gather(triangles, triangle_id[..., 0]),
        barycentrics=framebuffer.RasterizedAttribute(tf.reverse(barycentrics, axis=[2])),
    )


def interpolate_images(
    triangle_ids: tf.Tensor, clip_vertices: tf.Tensor, triangles: tf.Tensor, attributes: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """tensorflow-graphics in place of `attribute_interpolation.interpolate_images`.

    Its framebuffer of the visible triangles, its differentiable barycentrics and its interpolation;
    gradients flow to `clip_vertices` and `attributes`.

    Args:
        triangle_ids: Int32 tensor `[B, H, W]`, -1 in the background; row 0 on top. B may be 0.
        clip_vertices: Float32 tensor `[B, V, 4]`.
        triangles: Int32 tensor `[T, 3]`.
        attributes: Float32 tensor `[B, V, C]`.

    Returns:
        Attributes `[B, H, W, C]` and barycentrics `[B, H, W, 3]`, 0 in the background; row 0 on
        top.
    """
    shapes = [[*triangle_ids.shape, channels] for channels in (attributes.shape[-1], 3)]

    def interpolate_some():
        images = _interpolate_images(triangle_ids, clip_vertices, triangles, attributes)
        return tuple(map(tf.ensure_shape, images, shapes))

    def interpolate_none():
        # Their batched lookup fails without images. The sums of nothing connect the gradient.
        nothing = tf.reduce_sum(attributes) + tf.reduce_sum(clip_vertices)
        return tuple(
            tf.ensure_shape(tf.zeros([0, *shape[1:]], attributes.dtype) + nothing, shape)
            for shape in shapes
        )

    batch_size = triangle_ids.shape[0]
    if batch_size is None:
        return tf.cond(tf.shape(triangle_ids)[0] > 0, interpolate_some, interpolate_none)
    return interpolate_some() if batch_size else interpolate_none()


def _interpolate_images(triangle_ids, clip_vertices, triangles, attributes):
    """`interpolate_images` of a batch that is not empty."""
    from tensorflow_graphics.rendering import barycentrics, interpolate

    framebuffer = framebuffer_from_ids(triangle_ids, triangles).layer(0)
    framebuffer = barycentrics.differentiable_barycentrics(framebuffer, clip_vertices, triangles)
    values = interpolate.interpolate_vertex_attribute(attributes, framebuffer)
    return tuple(tf.reverse(image.value, axis=[1]) for image in (values, framebuffer.barycentrics))


def check_importable() -> None:
    """Raises unless tensorflow-graphics can be imported.

    Raises:
        ImportError: If it cannot.
    """
    try:
        for name in ("barycentrics", "interpolate"):
            importlib.import_module(f"tensorflow_graphics.rendering.{name}")
    except ImportError as error:
        raise ImportError(
            'The renderer backend "tensorflow_graphics" needs tensorflow-graphics 2021.12.3, which '
            f"cannot be imported here ({error}). pip installs it up to Python 3.11; from 3.12 on "
            "only with `pip install --no-deps tensorflow-graphics==2021.12.3`. The default "
            'backend, "native", needs nothing but TensorFlow.'
        ) from error
