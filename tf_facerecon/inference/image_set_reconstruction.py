"""What is known of a set of photographs of one person: one face, and each photograph's own part.

Convention:
    World and model frames and units as in `fitted_face`: decimetres, y up, z towards the camera.
"""

import dataclasses
import functools
import os
import pathlib
from collections.abc import Iterable, Mapping

import numpy as np

from tf_facerecon.export import image_set_files
from tf_facerecon.inference.set_images import SetImage
from tf_facerecon.layers.face_decoder import FaceDecoder
from tf_facerecon.results import confidence_shares
from tf_facerecon.visualization import confidence_figure


@dataclasses.dataclass(frozen=True, eq=False)
class ImageSetReconstruction:
    """One person's face from N photographs; V vertices, K identity coefficients.

    Attributes:
        images: The photographs in which a face was found, in the order given.
        failures: Why, by source, for those that could not be used.
        warnings: Sentences about the set that its owner should read.
        aggregate: "cnet", "mean" or "best".
        identity: `[K]` aggregated identity coefficients, standard deviations.
        texture: Mean texture coefficients of the photographs, standard deviations.
        decoder: Turns coefficients into meshes.
    """

    images: tuple[SetImage, ...]
    failures: Mapping[str, str]
    warnings: tuple[str, ...]
    aggregate: str
    identity: np.ndarray
    texture: np.ndarray
    decoder: FaceDecoder

    @property
    def counted(self) -> np.ndarray:
        """`[N]` bool: photographs that have a say in the identity."""
        return np.array([image.duplicate_of is None for image in self.images])

    @functools.cached_property
    def coefficient_shares(self) -> np.ndarray:
        """`[N, K]` what each photograph contributed to each identity coefficient."""
        confidence = np.stack([image.confidence for image in self.images])
        return confidence_shares.coefficient_shares(confidence, self.counted)

    def vertex_shares(self) -> np.ndarray:
        """`[N, V]` what each photograph contributed to each vertex; see `confidence_shares`."""
        model = self.decoder.face_model
        return confidence_shares.vertex_shares(self.coefficient_shares, model.identity_basis)

    def region_shares(self) -> dict[str, np.ndarray]:
        """`[N]` what each photograph contributed to jaw, brows, nose, eyes and mouth."""
        model = self.decoder.face_model
        return confidence_shares.region_shares(self.vertex_shares(), model.landmarks)

    @property
    def neutral_vertices(self) -> np.ndarray:
        """`[V, 3]` float32, the person: model frame, no expression and no pose."""
        model = self.decoder.face_model
        return model.mean_shape + model.identity_basis @ self.identity

    @property
    def albedo(self) -> np.ndarray:
        """`[V, 3]` RGB of the person without light, about 0 to 1, not clamped."""
        model = self.decoder.face_model
        return model.mean_albedo + model.albedo_basis @ self.texture

    def posed(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """The person as in one photograph.

        Args:
            index: Number of the photograph in `images`.

        Returns:
            Vertices `[V, 3]` (world) with the person's identity and the photograph's own expression
            and pose, and the photograph's albedo `[V, 3]`.
        """
        groups = {**self.images[index].coefficients, "identity": self.identity}
        coefficients = self.decoder.layout.merge(groups)[np.newaxis]
        decoded = self.decoder(coefficients, render=False)
        return decoded["vertices"].numpy()[0], decoded["albedo"].numpy()[0]

    def confidence_figure(self) -> np.ndarray:
        """Which photograph gave which part of the face: `[height, width, 3]` uint8 RGB."""
        return confidence_figure.draw(self)

    def save(
        self,
        folder: str | os.PathLike,
        stem: str,
        *,
        overwrite: bool = False,
        keep: Iterable[str | os.PathLike] = (),
    ) -> list[pathlib.Path]:
        """Writes meshes, picture and numbers; all of them or, on an error, none.

        - `<stem>.obj`: the person, neutral, in the model frame, with albedo colours;
        - `<stem>_<name>.obj`: the person as in that photograph, in world decimetres;
        - `<stem>_confidence.png`: `confidence_figure`;
        - `<stem>.json`: every number of the set and of its photographs, failures and warnings;
        - `<stem>.npz`: identity, texture, shares and neutral mesh as arrays.

        Args:
            folder: Made if it is not there.
            stem: Start of every file name.
            overwrite: Whether files of the same names may be replaced; the photographs never are.
            keep: More files that must not be replaced.

        Returns:
            The paths that were written.

        Raises:
            FileExistsError: If a file exists and `overwrite` is false, or is to be kept.
            ValueError: If `stem` is not a plain file name.
            OSError: If the folder cannot be written.
        """
        return image_set_files.save(self, folder, stem, overwrite=overwrite, keep=keep)
