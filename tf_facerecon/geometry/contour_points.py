"""Which of several candidate points lies on the visible contour of a turned object.

As in landmark marching (Zhu et al. 2015, "High-fidelity pose and expression normalization for face
recognition in the wild", section 3.1): of the points of a line across the face, the contour passes
through the one that lies farthest out in the image.
"""

import tensorflow as tf

from tf_facerecon.core import checks
from tf_facerecon.geometry import rigid_transforms


def outermost_candidates(
    candidates: tf.Tensor, outward: tf.Tensor, rotation: tf.Tensor
) -> tf.Tensor:
    """Number of the candidate of each line that lies farthest out; it has no gradient.

    A line lies in a plane parallel to the z axis of the head. "Out" is the direction of that plane
    that the camera sees at full length: a surface whose normals lie in the plane has exactly this
    normal where its contour crosses the line.

    Args:
        candidates: Float tensor `[B, L, K, 2]`, `(column, row)` of K points on each of L lines.
        outward: Float tensor `[L, 2]`, unit vectors (x, y) along the planes, out of the head.
        rotation: Float tensor `[B, 3, 3]`, from the frame of the head to the world.

    Returns:
        Int32 `[B, L]`, the first of several that lie equally far out.

    Raises:
        ValueError: If an argument does not have the shape above.
    """
    candidates, outward, rotation = map(tf.convert_to_tensor, (candidates, outward, rotation))
    checks.check_shape("outward", outward, (None, 2))
    checks.check_shape("candidates", candidates, (None, outward.shape[0], None, 2))
    checks.check_shape("rotation", rotation, (None, 3, 3))
    view = rotation[:, 2]  # From the head to the camera, in the frame of the head.
    inclination = tf.matmul(view[:, :2], outward, transpose_b=True)
    # Not `view[:, tf.newaxis, 2:]`: in graphs of a static batch size, TensorFlow 2.21 merges it
    # with the slice above and loses the new axis.
    in_plane = tf.concat(
        [outward * tf.expand_dims(view[:, 2:], 1), -tf.expand_dims(inclination, -1)], axis=-1
    )
    x, y, _ = tf.unstack(rigid_transforms.rotate(in_plane, rotation), axis=-1)
    direction = tf.stack([x, -y], axis=-1)  # Rows run down.
    distance = tf.reduce_sum(candidates * tf.expand_dims(direction, 2), axis=-1)
    return tf.argmax(tf.stop_gradient(distance), axis=-1, output_type=tf.int32)
