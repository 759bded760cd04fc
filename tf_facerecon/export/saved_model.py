"""SavedModel for serving: aligned pictures to coefficients and geometry, with TensorFlow alone.

Convention:
    Inputs are aligned 224 x 224 crops (`photos.face_alignment`), RGB in [0, 1]. Outputs follow
    `FaceDecoder`: points in crop pixels, vertices in world decimetres, pose as a 4 x 4 matrix from
    model frame to world.
"""

import os
import pathlib

import keras
import tensorflow as tf

from tf_facerecon.geometry import rigid_transforms, rotations
from tf_facerecon.io import atomic_files
from tf_facerecon.layers.face_decoder import FaceDecoder
from tf_facerecon.models.r_net import RNet
from tf_facerecon.morphable_models import expression_limits

OUTPUTS = ("coefficients", "landmarks", "pose", "vertices")
ENCODED_SIGNATURE = "serve_encoded"


def geometry_from_images(r_net: RNet, decoder: FaceDecoder, images: tf.Tensor) -> dict:
    """What the exported signature computes.

    Args:
        r_net: The network.
        decoder: Its decoder.
        images: Float tensor `[B, 224, 224, 3]` in [0, 1].

    Returns:
        A dict of `coefficients` `[B, C]`, `landmarks` `[B, 68, 2]`, `pose` `[B, 4, 4]` and
        `vertices` `[B, V, 3]`.
    """
    coefficients = expression_limits.limit_coefficients(
        decoder.face_model, decoder.layout, r_net(images, training=False)
    )
    decoded = decoder(coefficients, render=False)
    groups = decoder.layout.split(coefficients)
    rotation = rotations.rotation_matrix_from_euler(groups["rotation"])
    return {
        "coefficients": coefficients,
        "landmarks": decoded["landmarks"],
        "pose": rigid_transforms.pose_matrix(rotation, groups["translation"]),
        "vertices": decoded["vertices"],
    }


def export_saved_model(
    r_net: RNet,
    decoder: FaceDecoder,
    folder: str | os.PathLike,
    *,
    allow_licensed_face_model: bool = False,
) -> pathlib.Path:
    """Writes a SavedModel folder; whole, or on an error not at all.

    Signatures: `serving_default` takes `image` `[B, 224, 224, 3]`, `serve_encoded` takes
    `image_bytes` `[B]`, JPEG or PNG files of aligned crops, square and of any size. Both give
    `geometry_from_images`, for any batch size. The basis of the face model becomes part of the
    file.

    Args:
        r_net: The network.
        decoder: Its decoder.
        folder: Must not exist yet.
        allow_licensed_face_model: Whether a face model that must not be passed on may be written
            nevertheless, for use by its licensee.

    Returns:
        The folder.

    Raises:
        FileExistsError: If `folder` exists.
        ValueError: If the face model must not be passed on and `allow_licensed_face_model` is
            false.
    """
    folder = pathlib.Path(folder)
    if folder.exists():
        raise FileExistsError(f"{folder} exists already; a SavedModel needs a new folder.")
    model = decoder.face_model
    if not model.redistributable and not allow_licensed_face_model:
        raise ValueError(
            f"Face model {model.name!r} must not be passed on (licence: "
            f"{model.licence or 'unknown'}), and a SavedModel would hold its basis. Pass "
            "`allow_licensed_face_model` if the file stays with the licensee."
        )
    size = decoder.camera.image_size
    archive = keras.export.ExportArchive()
    archive.track(r_net)
    archive.add_endpoint(
        "serve",
        lambda image: geometry_from_images(r_net, decoder, image),
        [tf.TensorSpec([None, size, size, 3], tf.float32, "image")],
    )
    archive.add_endpoint(
        ENCODED_SIGNATURE,
        lambda image_bytes: geometry_from_images(r_net, decoder, _decode(image_bytes, size)),
        [tf.TensorSpec([None], tf.string, "image_bytes")],
    )
    with atomic_files.atomic_path(folder) as temporary:
        archive.write_out(str(temporary), verbose=False)
    return folder


def _decode(image_bytes: tf.Tensor, size: int) -> tf.Tensor:
    """Encoded crops `[B]` to pictures `[B, size, size, 3]` in [0, 1]."""

    def decode_one(encoded):
        picture = tf.io.decode_image(encoded, channels=3, expand_animations=False)
        picture = tf.ensure_shape(picture, [None, None, 3])
        height, width = tf.unstack(tf.shape(picture)[:2])
        # Squashed, a whole photograph would be answered as if it were the crop of a face.
        with tf.control_dependencies(
            [tf.debugging.assert_equal(height, width, "image_bytes must be a square aligned crop")]
        ):
            picture = tf.cast(picture, tf.float32) / 255.0
        return tf.image.resize(picture, [size, size], antialias=True)

    return tf.map_fn(decode_one, image_bytes, fn_output_signature=tf.float32)
