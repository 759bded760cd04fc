"""ArcFace as an identity network: face crops to 512 numbers, as in the PyTorch code of R-Net.

The weights are insightface's; they are not part of this package, and never become part of a model
saved by it. Read their licence terms before use beyond research.
"""

import json
import os
import pathlib
import zipfile

import keras
import numpy as np

from tf_facerecon.geometry import similarity_warp
from tf_facerecon.models.converters import arcface_pytorch
from tf_facerecon.photos import face_alignment

# Five points of the template face in an aligned crop, (column, row): see CONVENTIONS.md.
_CROP_POINTS = face_alignment.FIVE_POINT_TEMPLATE[:, :2] * [102.0, -102.0] + 111.5


class ArcFace:
    """Aligned crops `[B, 224, 224, 3]`, RGB in [0, 1], to unit vectors `[B, 512]`; frozen.

    Not a Keras object on purpose: Keras cannot track it, so its weights are neither trained nor
    saved with a model that holds it.

    Args:
        model: IResNet-50, see `backbones.iresnet50`.
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
        """Unit vectors `[B, 512]`, differentiable in images and points.

        Args:
            images: `[B, 224, 224, 3]`, RGB in [0, 1].
            training: Must be false.
            five_points: `[B, 5, 2]` (column, row) of the faces in the crops, by which they are
                warped onto ArcFace's template; those of the template face by default. The PyTorch
                code passes those of the labels for photographs, and those of the prediction,
                without their gradient, for rendered faces.

        Raises:
            ValueError: If `training` is true; ArcFace is frozen.
        """
        if training:
            raise ValueError("ArcFace is frozen. Received: training=True.")
        images = keras.ops.convert_to_tensor(images, dtype="float32")
        points = np.float32(_CROP_POINTS)[None] if five_points is None else five_points
        matrices = similarity_warp.arcface_matrix(points)
        if five_points is None:
            matrices = keras.ops.repeat(matrices, keras.ops.shape(images)[0], axis=0)
        vectors = self._model(similarity_warp.warp_by_similarity(images, matrices), training=False)
        return keras.ops.normalize(vectors, axis=-1)


def load_arcface(weights_path: str | os.PathLike) -> ArcFace:
    """ArcFace from insightface's `backbone.pth`, or from the `.keras` file it was converted to.

    Args:
        weights_path: `.pth` (needs PyTorch), or `.keras` of `convert_arcface_weights(...).save`.

    Raises:
        ImportError: If PyTorch is needed and not installed.
        FileNotFoundError: If there is no such file.
        ValueError: If the file is damaged, hostile (nothing in it is executed) or of another
            network.
    """
    path = pathlib.Path(weights_path)
    if path.suffix != ".keras":
        return ArcFace(arcface_pytorch.convert_arcface_weights(path))
    if not path.is_file():
        raise FileNotFoundError(f"There is no ArcFace network {path}.")
    try:
        model = keras.models.load_model(path, compile=False)
    except (ValueError, TypeError, KeyError, OSError) as error:
        raise ValueError(f"{path} is not a readable `.keras` file: {error}") from error
    shapes = (getattr(model, "input_shape", None), getattr(model, "output_shape", None))
    if shapes != ((None, 112, 112, 3), (None, 512)):
        raise ValueError(
            f"{path} must be a network from [B, 112, 112, 3] to [B, 512]. Received: {shapes}."
        )
    return ArcFace(model)


def is_arcface_file(path: str | os.PathLike) -> bool:
    """Whether a file is one for `load_arcface`: a `.pth`, or a `.keras` of its plain network."""
    path = pathlib.Path(path)
    if path.suffix == ".pth":
        return True
    try:
        with zipfile.ZipFile(path) as archive:
            config = json.loads(archive.read("config.json"))
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        return False
    return isinstance(config, dict) and config.get("class_name") == "Functional"
