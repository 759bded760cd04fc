"""Visibility: which triangle is nearest at each pixel centre.

Convention:
    Clip coordinates are OpenGL's: `(x, y, z, w)`, x right, y up, `w` = depth in front of the
    camera; a point is visible where `-w <= z <= w`. Image row 0 is the top row; pixel `(r, c)` is
    sampled at its centre, `x / w = 2 (c + 0.5) / W - 1`, `y / w = 1 - 2 (r + 0.5) / H`.

Edges are tested in 2D homogeneous coordinates (Olano and Greer 1997, "Triangle scan conversion
using 2D homogeneous coordinates"), so triangles that cross the near plane need no clipping.
Vertices are snapped to 16 fractional bits, as in tensorflow-graphics' C++ kernel, so that both
make the same decision about pixel centres on an edge.

`visibility_passes` goes through the triangles: small ones all at once, the others in
loops whose length follows from the scene.
"""

import functools
from typing import NamedTuple

import tensorflow as tf

from tf_facerecon.core import checks
from tf_facerecon.rendering import per_image, screen_triangles, visibility_passes
from tf_facerecon.rendering.screen_triangles import EMPTY_KEY

BACKGROUND = -1

_ID_BITS = 0xFFFFFFFF


def visible_triangles(
    clip_vertices: tf.Tensor,
    triangles: tf.Tensor,
    image_size: tuple[int, int],
    *,
    cull_back_faces: bool = False,
    excluded: tf.Tensor | None = None,
    jit_compile: bool = True,
) -> tf.Tensor:
    """Finds the nearest triangle at each pixel centre; has no gradient.

    Pixel centres on an edge count as inside. Among equal depths the triangle with the lowest index
    wins. Triangles with a non-finite vertex are not rasterized.

    Args:
        clip_vertices: Float tensor `[B, V, 4]`, clip coordinates.
        triangles: Int32 tensor `[T, 3]` with a static T, indices into the vertices.
        image_size: `(height, width)` in pixels.
        cull_back_faces: Draw only triangles that appear counter-clockwise.
        excluded: Int32 tensor `[B, L, H, W]` with a static L: triangles to leave out at each pixel.
            Those found nearest before are named here to find the next ones (depth peeling).
        jit_compile: Compile with XLA, several times faster on a CPU; one compilation serves every
            batch size, whose images run side by side.

    Returns:
        Int32 tensor `[B, H, W]`, index of the nearest triangle, `BACKGROUND` where there is none.

    Raises:
        ValueError: If a shape is not as stated.
    """
    clip_vertices = tf.convert_to_tensor(clip_vertices)
    triangles = tf.convert_to_tensor(triangles, tf.int32)
    checks.check_shape("clip_vertices", clip_vertices, (None, None, 4))
    checks.check_shape("triangles", triangles, (None, 3))
    if triangles.shape[0] is None:
        raise ValueError(
            f"`triangles` must have a static number of rows. Received: shape {triangles.shape}."
        )
    height, width = (int(side) for side in image_size)
    if height < 1 or width < 1:
        raise ValueError(f"`image_size` must be positive. Received: {image_size}.")
    clip_vertices = tf.stop_gradient(tf.cast(clip_vertices, tf.float32))
    if excluded is None:
        excluded = tf.zeros([tf.shape(clip_vertices)[0], 0, height, width], tf.int32)
    excluded = tf.ensure_shape(excluded, [clip_vertices.shape[0], None, height, width])
    return _cover_batch(
        clip_vertices, excluded, triangles, (height, width), cull_back_faces, jit_compile
    )


@per_image.StaticShapeFunction
def _cover_batch(clip_vertices, excluded, triangles, image_size, cull, jit_compile):
    shared = (triangles, image_size, cull, jit_compile)
    return per_image.map_images(_cover_image, (clip_vertices, excluded), shared)


@per_image.StaticShapeFunction
def _cover_image(vertices, excluded, triangles, image_size, cull, jit_compile):
    """Covers one image: `vertices [V, 4]`, `triangles [T, 3]` to ids `[H, W]`.

    `excluded` `[L, H, W]` are triangles to leave out.

    The loops for larger triangles are compiled apart, when a scene first needs them: most meshes
    never do, and compiling takes a second for each.
    """
    if triangles.shape[0] == 0:
        return tf.fill(image_size, BACKGROUND)
    height, width = image_size
    excluded = tf.reshape(excluded, [excluded.shape[0], height * width])
    scene = (vertices, triangles, image_size, cull, excluded)
    first = _compiled(_cover_first, jit_compile)(*scene)

    def cover_rest():
        keys = tf.cond(
            first.any_tiles,
            lambda: _compiled(visibility_passes.cover_tiles, jit_compile)(
                first.keys, first.tiles, *scene
            ),
            lambda: first.keys,
        )
        keys = tf.cond(
            first.any_wide,
            lambda: _compiled(visibility_passes.cover_strips, jit_compile)(
                keys, first.wide, *scene
            ),
            lambda: keys,
        )
        return _nearest_ids(keys, image_size)

    return tf.cond(first.any_tiles | first.any_wide, cover_rest, lambda: first.ids)


@functools.cache
def _compiled(step, jit_compile):
    """`step` as a traced function, the same one at every call."""
    return per_image.StaticShapeFunction(step, jit_compile=jit_compile)


class _First(NamedTuple):
    """What is known of an image once its small triangles are rasterized.

    Attributes:
        ids: Int32 `[H, W]`, of small triangles only.
        keys: Int64, flat, whole strips.
        tiles: Int32 `[T]`, of each narrow triangle, 0 of others.
        wide: Boolean `[T]`.
        any_tiles: Boolean, whether there is a narrow triangle.
        any_wide: The same of wide ones.
    """

    ids: tf.Tensor
    keys: tf.Tensor
    tiles: tf.Tensor
    wide: tf.Tensor
    any_tiles: tf.Tensor
    any_wide: tf.Tensor


def _cover_first(vertices, triangles, image_size, cull, excluded):
    """Rasterizes small triangles, lists the others."""
    scene = (vertices, triangles, image_size, cull, excluded)
    corners = screen_triangles.look_up_corners(vertices, triangles)
    boxes, exact = screen_triangles.bounding_boxes(corners, image_size)
    rows = boxes.last_row - boxes.first_row + 1
    columns = boxes.last_column - boxes.first_column + 1
    small = (rows <= visibility_passes.WINDOW) & (columns <= visibility_passes.WINDOW)
    large = ~small & (rows > 0) & (columns > 0)
    wide = large & (~exact | (columns * visibility_passes.STRIP_ADVANTAGE >= image_size[1]))
    tiles = -(-rows // visibility_passes.TILE) * -(-columns // visibility_passes.TILE)
    tiles = tf.where(large & ~wide, tiles, 0)
    keys = visibility_passes.empty_keys(image_size)
    keys = visibility_passes.cover_small(keys, corners, boxes, small, *scene)
    any_tiles, any_wide = tf.reduce_any(tiles > 0), tf.reduce_any(wide)
    return _First(_nearest_ids(keys, image_size), keys, tiles, wide, any_tiles, any_wide)


def _nearest_ids(keys, image_size):
    """Ids `[H, W]` of flat `keys`."""
    keys = keys[: image_size[0] * image_size[1]]
    ids = tf.where(keys == EMPTY_KEY, BACKGROUND, tf.cast(keys & _ID_BITS, tf.int32))
    return tf.reshape(ids, image_size)
