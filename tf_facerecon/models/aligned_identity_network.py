"""Identity networks that want faces aligned to 112 pixels: ArcFace, MobileFaceNet."""

import keras
import numpy as np

from tf_facerecon.geometry import similarity_warp
from tf_facerecon.photos import face_alignment

# Five points of the template face in an aligned crop, (column, row): see CONVENTIONS.md.
_CROP_POINTS = face_alignment.FIVE_POINT_TEMPLATE[:, :2] * [102.0, -102.0] + 111.5


class AlignedIdentityNetwork:
    """Aligned crops `[B, 224, 224, 3]`, RGB in [0, 1], to unit vectors `[B, D]`; frozen.

    Faces are warped by a similarity transform of their five points onto the 112-pixel template on
    which such networks are trained.

    Not a Keras object on purpose: Keras cannot track it, so its weights are neither trained nor
    saved with a model that holds it.

    Args:
        model: Network from RGB `[B, 112, 112, 3]` in [0, 1] to vectors `[B, D]` of any length.
    """

    trainable_variables = ()
    takes_five_points = True

    def __init__(self, model: keras.Model):
        self._model = model
        self._model.trainable = False

    @property
    def embedding_size(self) -> int:
        """Length of the vectors."""
        return self._model.output_shape[-1]

    def __call__(self, images, training: bool = False, five_points=None):
        """Unit vectors `[B, D]`, differentiable in images and points.

        Args:
            images: `[B, 224, 224, 3]`, RGB in [0, 1].
            training: Must be false.
            five_points: `[B, 5, 2]` (column, row) of the faces in the crops, by which they are
                warped onto the template; those of the template face by default.

        Raises:
            ValueError: If `training` is true; the network is frozen.
        """
        if training:
            raise ValueError(f"{type(self).__name__} is frozen. Received: training=True.")
        images = keras.ops.convert_to_tensor(images, dtype="float32")
        points = np.float32(_CROP_POINTS)[None] if five_points is None else five_points
        matrices = similarity_warp.arcface_matrix(points)
        if five_points is None:
            matrices = keras.ops.repeat(matrices, keras.ops.shape(images)[0], axis=0)
        vectors = self._model(similarity_warp.warp_by_similarity(images, matrices), training=False)
        return keras.ops.normalize(vectors, axis=-1)
