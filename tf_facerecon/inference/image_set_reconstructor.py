"""Image-set reconstruction: one face from several photos of a person, by confidence aggregation.

Source: Deng et al. 2019, section 5, Eq. (8).
"""

import dataclasses
import hashlib
import os
import pathlib
import warnings
from collections.abc import Callable, Iterable

import numpy as np
import tensorflow as tf
from tqdm import tqdm

from tf_facerecon.inference import face_selection, image_results
from tf_facerecon.inference.image_results import ImageResult
from tf_facerecon.inference.image_set_reconstruction import ImageSetReconstruction
from tf_facerecon.inference.reconstructor import FaceReconstructor
from tf_facerecon.layers.identity_aggregation import IdentityAggregation
from tf_facerecon.metrics import embedding_distance
from tf_facerecon.models.c_net import CNet
from tf_facerecon.models.identity_network import IdentityNetwork
from tf_facerecon.morphable_models import expression_limits, morphable_model
from tf_facerecon.photos import face_detection

AGGREGATES = ("cnet", "mean", "best")
# Errors of a single photo that do not stop the others.
PHOTO_ERRORS = (OSError, ValueError, MemoryError, tf.errors.OpError)


class ImageSetWarning(UserWarning):
    """A photo of an image set is unusable, a duplicate, or seems to show another person."""


class ImageSetReconstructor:
    """Reconstructs one face from several photos of a person; create one instance for many sets.

    Every photo goes through R-Net alone; the identity coefficients are then averaged with a
    confidence for each coefficient (Deng et al. 2019, Eq. 8).

    Args:
        reconstructor: Detector, R-Net and decoder.
        c_net: Predicts the confidences of `aggregate="cnet"` from R-Net's features; `None` if it is
            not needed.
        identity_network: Keras model from crops `[B, 224, 224, 3]` in [0, 1] to identity embeddings
            `[B, D]` (or a function with the same arguments, including `training`), to report photos
            of another person; `None` to skip this check. The shipped network was trained on
            procedural faces only; `models.facenet.load_facenet` is more reliable on photos.
        max_embedding_distance: Photos whose median embedding distance (1 - cosine) to the others is
            larger are reported.

    Raises:
        ValueError: If `c_net` was trained with another R-Net.
    """

    def __init__(
        self,
        reconstructor: FaceReconstructor,
        c_net: CNet | None = None,
        identity_network: Callable | None = None,
        max_embedding_distance: float = embedding_distance.MAX_EMBEDDING_DISTANCE,
    ):
        if c_net is not None:
            c_net.check_r_net(reconstructor.r_net)
        self.reconstructor = reconstructor
        self.c_net = c_net
        self.identity_network = identity_network
        self.max_embedding_distance = max_embedding_distance
        self._aggregation = IdentityAggregation()
        size = reconstructor.decoder.camera.image_size
        self._predict = tf.function(
            self._predict_crops, input_signature=[tf.TensorSpec([1, size, size, 3], tf.float32)]
        )

    @classmethod
    def from_preset(
        cls,
        name: str | os.PathLike = "r_net_small",
        *,
        c_net: str | os.PathLike | None = "c_net_small",
        identity_network: str | os.PathLike | None = "identity_small",
        face_model: morphable_model.MorphableModel | str | os.PathLike | None = None,
        detector: face_detection.FaceDetector | None = None,
    ) -> "ImageSetReconstructor":
        """Loads R-Net, C-Net, identity network and face model.

        Args:
            name: R-Net: name of a preset, or path of a `.keras` file.
            c_net: C-Net, likewise; `None` for none.
            identity_network: `IdentityNetwork`, likewise; `None` to skip the check of the person.
            face_model: The 3DMM, its name or its file; by default the one named by the R-Net.
            detector: Face detector; MTCNN by default.

        Raises:
            FileNotFoundError: If a network or the face model does not exist.
            ValueError: If R-Net was trained for another face model, or C-Net with another R-Net.
        """
        return cls(
            FaceReconstructor.from_preset(name, face_model=face_model, detector=detector),
            None if c_net is None else CNet.from_preset(c_net),
            None if identity_network is None else IdentityNetwork.from_preset(identity_network),
        )

    def reconstruct(
        self,
        images: Iterable[str | os.PathLike | np.ndarray],
        *,
        aggregate: str = "cnet",
        progress: bool = False,
    ) -> ImageSetReconstruction:
        """Reconstructs one person from the largest face of each photo.

        A photo without a usable face is skipped and reported in `failures`. A duplicate of an
        earlier photo is kept but not counted in the aggregation. A photo that seems to show another
        person is kept, counted and reported in `warnings`. The result does not depend on the order
        of the photos.

        Args:
            images: Paths, or arrays as in `FaceReconstructor.reconstruct`. They are read one after
                the other, and only their crops are kept in memory.
            aggregate: Confidences of the aggregation. "cnet": C-Net's; "mean": the same for all
                photos; "best": 1 for the photo with the highest detection confidence, else 0.
            progress: Whether to show a progress bar.

        Returns:
            The aggregated face and the results of the single photos.

        Warns:
            ImageSetWarning: For everything in `failures` and `warnings` of the result.

        Raises:
            ValueError: If `aggregate` is unknown, "cnet" is chosen without a C-Net, `images` is a
                single path or empty, or no photo can be used.
        """
        if isinstance(images, str | os.PathLike):
            raise ValueError(
                f"`images` must be a list of photos, not one: [{os.fspath(images)!r}]."
            )
        if aggregate not in AGGREGATES:
            raise ValueError(f"`aggregate` must be one of {AGGREGATES}. Received: {aggregate!r}.")
        if aggregate == "cnet" and self.c_net is None:
            raise ValueError(
                '`aggregate="cnet"` needs a C-Net. Pass `c_net`, or choose "mean" or "best".'
            )
        results, failures = [], {}
        for number, image in enumerate(tqdm(images, unit="photo", disable=not progress), start=1):
            try:
                results.append(self._process_photo(image, number))
            except PHOTO_ERRORS as error:
                failures[_key(image, number)] = str(error) or type(error).__name__
        if not results:
            raise ValueError(_no_usable_photo(failures))
        results = self._with_embedding_distances(image_results.with_unique_names(results))
        if aggregate != "cnet":
            results = image_results.with_baseline_confidence(results, aggregate)
        messages = image_results.image_set_warnings(results, self.max_embedding_distance)
        skipped = [f"{source} was skipped: {reason}" for source, reason in failures.items()]
        for message in [*skipped, *messages]:
            warnings.warn(message, ImageSetWarning, stacklevel=2)
        identity, texture = self._aggregate(results)
        return ImageSetReconstruction(
            images=tuple(results),
            failures=failures,
            warnings=tuple(messages),
            aggregate=aggregate,
            identity=identity,
            texture=texture,
            decoder=self.reconstructor.decoder,
        )

    def _process_photo(self, image, number: int) -> ImageResult:
        """Detects and aligns the largest face of a photo and runs the networks on its crop."""
        source = None if isinstance(image, str | os.PathLike) else f"image_{number}"
        photo = face_selection.read_faces(self.reconstructor.detector, image, source=source)
        face, aligned = photo.faces[0]
        outputs = self._predict(aligned.image[np.newaxis].astype(np.float32) / 255.0)
        outputs = {name: value.numpy()[0] for name, value in outputs.items()}
        height, width = photo.photo.shape[:2]
        groups = self.reconstructor.decoder.layout.split(outputs["coefficients"])
        return ImageResult(
            name=pathlib.Path(photo.source).stem,
            source=photo.source,
            source_path=photo.source_path,
            photo_size=(width, height),
            photo_sha256=hashlib.sha256(np.ascontiguousarray(photo.photo)).hexdigest(),
            box=face.box,
            detection_confidence=face.confidence,
            alignment_points=face.points,
            crop=aligned.image,
            crop_transform=aligned.transform,
            coefficients=groups,
            confidence=outputs.get("confidence", np.ones_like(groups["identity"])),
            embedding=outputs.get("embedding"),
        )

    def _predict_crops(self, crops: tf.Tensor) -> dict[str, tf.Tensor]:
        """Outputs of all networks for aligned `crops` `[1, 224, 224, 3]` in [0, 1]."""
        r_net = self.reconstructor.r_net
        features = r_net.features(crops, training=False)
        decoder = self.reconstructor.decoder
        coefficients = expression_limits.limit_coefficients(
            decoder.face_model, decoder.layout, r_net.heads(features["deep"])
        )
        outputs = {"coefficients": coefficients}
        if self.c_net is not None:
            outputs["confidence"] = self.c_net(features)
        if self.identity_network is not None:
            outputs["embedding"] = self.identity_network(crops, training=False)
        return outputs

    def _with_embedding_distances(self, results: list[ImageResult]) -> list[ImageResult]:
        """Adds each photo's median embedding distance to the others, without duplicates."""
        if self.identity_network is None:
            return results
        distinct = [image for image in results if image.duplicate_of is None]
        embeddings = np.stack([image.embedding for image in distinct])
        distances = embedding_distance.embedding_distances(embeddings)
        if len(distinct) == 1:
            return results
        by_name = {image.name: float(d) for image, d in zip(distinct, distances, strict=True)}
        return [
            dataclasses.replace(image, embedding_distance=by_name[image.duplicate_of or image.name])
            for image in results
        ]

    def _aggregate(self, results: list[ImageResult]) -> tuple[np.ndarray, np.ndarray]:
        """Aggregated identity `[K]` and mean texture coefficients, computed in float64."""
        counted = [image for image in results if image.duplicate_of is None]
        identity, texture = (
            np.stack([image.coefficients[group] for image in counted]).astype(np.float64)
            for group in ("identity", "texture")
        )
        confidence = np.stack([image.confidence for image in counted]).astype(np.float64)
        aggregated = self._aggregation(identity[np.newaxis], confidence[np.newaxis])
        return aggregated.numpy()[0].astype(np.float32), texture.mean(axis=0).astype(np.float32)


def _key(image, number: int) -> str:
    return os.fspath(image) if isinstance(image, str | os.PathLike) else f"image_{number}"


def _no_usable_photo(failures: dict[str, str]) -> str:
    if not failures:
        return "`images` must hold at least one photo. Received: none."
    listed = "\n".join(f"  {source}: {reason}" for source, reason in failures.items())
    return f"None of the {len(failures)} photos can be used:\n{listed}"
