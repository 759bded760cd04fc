"""Export of R-Net and decoder as a SavedModel that is served with TensorFlow alone.

Convention:
    Inputs are aligned 224 x 224 crops (`photos.face_alignment`), RGB in [0, 1]. Outputs are as in
    `FaceDecoder`: landmarks in crop pixels, vertices in the world frame in decimetres; the pose is
    a 4 x 4 matrix from model to world frame.
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
    """Coefficients and geometry of aligned crops: the function behind the exported signatures.

    Args:
        r_net: Regresses coefficients from crops.
        decoder: Decoder of its face model.
        images: Float tensor `[B, 224, 224, 3]`, aligned crops, RGB in [0, 1].

    Returns:
        Dict of `coefficients` `[B, C]`, `landmarks` `[B, 68, 2]`, `pose` `[B, 4, 4]` and `vertices`
        `[B, V, 3]`.
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
    """Writes a SavedModel folder, complete or, on an error, not at all.

    Signatures, for any batch size: `serving_default` takes `image` `[B, 224, 224, 3]`;
    `serve_encoded` takes `image_bytes` `[B]`, JPEG or PNG files of square aligned crops of any
    size. Both return the outputs of `geometry_from_images`. The SavedModel contains the basis of
    the face model.

    Args:
        r_net: Regresses coefficients from crops.
        decoder: Decoder of its face model.
        folder: Must not exist.
        allow_licensed_face_model: Whether to export a face model that is not redistributable, for
            use by its licensee only.

    Returns:
        The folder.

    Raises:
        FileExistsError: If `folder` exists.
        ValueError: If the face model is not redistributable and `allow_licensed_face_model` is
            false.
    """
    folder = pathlib.Path(folder)
    if folder.exists():
        raise FileExistsError(f"{folder} exists already; choose a new folder for the SavedModel.")
    model = decoder.face_model
    if not model.redistributable and not allow_licensed_face_model:
        raise ValueError(
            f"Face model {model.name!r} is not redistributable (licence: "
            f"{model.licence or 'unknown'}), and a SavedModel contains its basis. Pass "
            "`allow_licensed_face_model=True` if the SavedModel stays with the licensee."
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
    """Decodes image files `[B]` to crops `[B, size, size, 3]` in [0, 1]."""

    def decode_one(encoded):
        image = tf.io.decode_image(encoded, channels=3, expand_animations=False)
        image = tf.ensure_shape(image, [None, None, 3])
        height, width = tf.unstack(tf.shape(image)[:2])
        # A whole photo, resized without its aspect ratio, would silently yield a wrong face.
        with tf.control_dependencies(
            [tf.debugging.assert_equal(height, width, "image_bytes must be a square aligned crop")]
        ):
            image = tf.cast(image, tf.float32) / 255.0
        return tf.image.resize(image, [size, size], antialias=True)

    return tf.map_fn(decode_one, image_bytes, fn_output_signature=tf.float32)
