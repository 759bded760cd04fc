"""Photographs of one person in, one face out: detection, R-Net, confidences, aggregation."""

import dataclasses
import hashlib
import os
import pathlib
import warnings
from collections.abc import Callable, Iterable

import numpy as np
import tensorflow as tf
from tqdm import tqdm

from tf_facerecon.inference import face_selection, set_images
from tf_facerecon.inference.image_set_reconstruction import ImageSetReconstruction
from tf_facerecon.inference.reconstructor import FaceReconstructor
from tf_facerecon.inference.set_images import SetImage
from tf_facerecon.layers.identity_aggregation import IdentityAggregation
from tf_facerecon.metrics import embedding_distance
from tf_facerecon.models.c_net import CNet
from tf_facerecon.models.identity_network import IdentityNetwork
from tf_facerecon.morphable_models import expression_limits, morphable_model

AGGREGATES = ("cnet", "mean", "best")
# What one photograph of a set may raise without stopping the others.
SURVIVABLE = (OSError, ValueError, MemoryError, tf.errors.OpError)


class ImageSetWarning(UserWarning):
    """Something about a set of photographs that its owner should know."""


class ImageSetReconstructor:
    """Reconstructs a person from several photographs; make one and use it for many sets.

    Args:
        reconstructor: Detector, R-Net and decoder.
        c_net: Confidences for `aggregate="cnet"`; `None` if only the others are wanted.
        identity_network: Keras model from pictures `[B, H, W, 3]` in [0, 1] to embeddings `[B, D]`
            (or a function of them and of `training`), to notice photographs of somebody else;
            `None` for no such check. The shipped one has only seen procedural faces: for
            photographs `identity_network.load_facenet` is the better judge.
        max_embedding_distance: Beyond this median distance to the others a photograph is reported.

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
        self._look = tf.function(
            self._look_at, input_signature=[tf.TensorSpec([1, size, size, 3], tf.float32)]
        )

    @classmethod
    def from_preset(
        cls,
        name: str | os.PathLike = "r_net_small",
        *,
        c_net: str | os.PathLike | None = "c_net_small",
        identity_network: str | os.PathLike | None = "identity_small",
        face_model: morphable_model.MorphableModel | str | os.PathLike | None = None,
        **parts,
    ) -> "ImageSetReconstructor":
        """Loads the networks and the face model that belong together.

        Args:
            name: R-Net: a shipped preset, or the path of a `.keras` file.
            c_net: C-Net, likewise; `None` for none.
            identity_network: `IdentityNetwork`, likewise; `None` for no check of the person.
            face_model: The 3DMM; by default the one whose name the R-Net carries.
            **parts: `detector` or others for `FaceReconstructor`.

        Raises:
            FileNotFoundError: If a network or the face model is not there.
            ValueError: If the networks do not belong together.
        """
        embed = identity_network
        return cls(
            FaceReconstructor.from_preset(name, face_model=face_model, **parts),
            None if c_net is None else CNet.from_preset(c_net),
            None if embed is None else IdentityNetwork.from_preset(embed),
        )

    def reconstruct(
        self,
        images: Iterable[str | os.PathLike | np.ndarray],
        *,
        aggregate: str = "cnet",
        progress: bool = False,
    ) -> ImageSetReconstruction:
        """Reconstructs one person.

        A photograph without a usable face is left out, said (`failures`) and warned of. One with
        the pixels of an earlier one is kept, but has no second say. One that seems to show somebody
        else is kept and warned of. The order of the photographs makes no difference.

        Args:
            images: Files, or arrays as in `FaceReconstructor.reconstruct`; the largest face of each
                counts. They are read one after the other and only their crops are kept.
            aggregate: "cnet": a mean weighted by C-Net's confidences; "mean": the plain mean of the
                identity coefficients; "best": those of the photograph of which the face detector
                is surest.
            progress: Whether to show a progress bar.

        Warns:
            ImageSetWarning: For everything above; the result holds the same in `failures` and
                `warnings`.

        Raises:
            ValueError: If `aggregate` is unknown or needs a C-Net that is not there, `images` is a
                single path or empty, or no photograph can be used.
        """
        if isinstance(images, str | os.PathLike):
            raise ValueError(
                f"`images` must be a list of photographs, not one: [{os.fspath(images)!r}]."
            )
        if aggregate not in AGGREGATES:
            raise ValueError(f"`aggregate` must be one of {AGGREGATES}. Received: {aggregate!r}.")
        if aggregate == "cnet" and self.c_net is None:
            raise ValueError(
                '`aggregate="cnet"` needs a C-Net. Pass `c_net`, or choose "mean" or "best".'
            )
        read, failures = [], {}
        for number, image in enumerate(tqdm(images, unit="photo", disable=not progress), start=1):
            try:
                read.append(self._read(image, number))
            except SURVIVABLE as error:
                failures[_key(image, number)] = str(error) or type(error).__name__
        if not read:
            raise ValueError(_nothing_usable(failures))
        members = self._compare_people(set_images.name_images(read))
        if aggregate != "cnet":
            members = set_images.with_constant_confidence(members, aggregate)
        notes = set_images.set_warnings(members, self.max_embedding_distance)
        left_out = [f"{source} was left out: {reason}" for source, reason in failures.items()]
        for note in [*left_out, *notes]:
            warnings.warn(note, ImageSetWarning, stacklevel=2)
        identity, texture = self._aggregate(members)
        return ImageSetReconstruction(
            images=tuple(members),
            failures=failures,
            warnings=tuple(notes),
            aggregate=aggregate,
            identity=identity,
            texture=texture,
            decoder=self.reconstructor.decoder,
        )

    def _read(self, image, number: int) -> SetImage:
        """Finds, aligns and looks at one photograph."""
        source = None if isinstance(image, str | os.PathLike) else f"image_{number}"
        found = face_selection.read_faces(self.reconstructor.detector, image, source=source)
        face, aligned = found.faces[0]
        seen = self._look(aligned.image[np.newaxis].astype(np.float32) / 255.0)
        seen = {name: value.numpy()[0] for name, value in seen.items()}
        height, width = found.photo.shape[:2]
        groups = self.reconstructor.decoder.layout.split(seen["coefficients"])
        return SetImage(
            name=pathlib.Path(found.source).stem,
            source=found.source,
            source_path=found.source_path,
            photo_size=(width, height),
            photo_sha256=hashlib.sha256(np.ascontiguousarray(found.photo)).hexdigest(),
            box=face.box,
            detection_confidence=face.confidence,
            found_points=face.points,
            crop=aligned.image,
            crop_transform=aligned.transform,
            coefficients=groups,
            confidence=seen.get("confidence", np.ones_like(groups["identity"])),
            embedding=seen.get("embedding"),
        )

    def _look_at(self, crops: tf.Tensor) -> dict[str, tf.Tensor]:
        """What the networks say of aligned `crops` `[1, 224, 224, 3]`."""
        r_net = self.reconstructor.r_net
        features = r_net.features(crops, training=False)
        decoder = self.reconstructor.decoder
        coefficients = expression_limits.limit_coefficients(
            decoder.face_model, decoder.layout, r_net.heads(features["deep"])
        )
        seen = {"coefficients": coefficients}
        if self.c_net is not None:
            seen["confidence"] = self.c_net(features)
        if self.identity_network is not None:
            seen["embedding"] = self.identity_network(crops, training=False)
        return seen

    def _compare_people(self, members: list[SetImage]) -> list[SetImage]:
        """Notes how far each photograph's person is from the others; copies are not compared."""
        if self.identity_network is None:
            return members
        different = [image for image in members if image.duplicate_of is None]
        embeddings = np.stack([image.embedding for image in different])
        distances = embedding_distance.embedding_distances(embeddings)
        if len(different) == 1:
            return members
        by_name = {image.name: float(d) for image, d in zip(different, distances, strict=True)}
        return [
            dataclasses.replace(image, embedding_distance=by_name[image.duplicate_of or image.name])
            for image in members
        ]

    def _aggregate(self, members: list[SetImage]) -> tuple[np.ndarray, np.ndarray]:
        """Identity and texture of the person, computed in float64."""
        counted = [image for image in members if image.duplicate_of is None]
        identity, texture = (
            np.stack([image.coefficients[group] for image in counted]).astype(np.float64)
            for group in ("identity", "texture")
        )
        confidence = np.stack([image.confidence for image in counted]).astype(np.float64)
        aggregated = self._aggregation(identity[np.newaxis], confidence[np.newaxis])
        return aggregated.numpy()[0].astype(np.float32), texture.mean(axis=0).astype(np.float32)


def _key(image, number: int) -> str:
    return os.fspath(image) if isinstance(image, str | os.PathLike) else f"image_{number}"


def _nothing_usable(failures: dict[str, str]) -> str:
    if not failures:
        return "`images` must hold at least one photograph. Received: none."
    listed = "\n".join(f"  {source}: {reason}" for source, reason in failures.items())
    return f"None of the {len(failures)} photographs can be used:\n{listed}"
