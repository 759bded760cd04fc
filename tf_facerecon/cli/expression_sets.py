"""Expression coefficients of a folder or file that is given on the command line."""

import pathlib

import numpy as np
import tensorflow as tf

from tf_facerecon.cli import photo_arguments
from tf_facerecon.export import deep3d_files
from tf_facerecon.inference.reconstructor import FaceReconstructor
from tf_facerecon.morphable_models.coefficients import CoefficientLayout


class ExpressionReader:
    """Reads sets of expression coefficients; loads the network only if there are photographs.

    Args:
        network: Preset or `.keras` file of the R-Net.
        face_model: Its 3DMM; by default the one named by the network.

    Attributes:
        failures: Errors of the photographs that were left out, by path.
    """

    def __init__(self, network: str, face_model: str | None = None):
        self._arguments = (network, face_model)
        self._reconstructor: FaceReconstructor | None = None
        self.failures: dict[pathlib.Path, Exception] = {}

    def read(self, path: pathlib.Path) -> np.ndarray:
        """Expression coefficients `[N, K]` of a folder or file.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If it holds neither photographs nor coefficients, or no face was found.
        """
        if not path.is_dir():
            return self._of_files([path])
        files = sorted(path.glob("*.mat"))
        if files:
            return self._of_files(files)
        rows = []
        for photo in photo_arguments.list_photos(path)[0]:
            try:
                rows.append(self._of_photo(photo))
            except (OSError, ValueError, MemoryError, tf.errors.OpError) as error:
                self.failures[photo] = error
        if not rows:
            reasons = "".join(f" {p.name}: {e}" for p, e in list(self.failures.items())[:1])
            raise ValueError(f"{path} holds no photograph with a face and no .mat file.{reasons}")
        return np.stack(rows)

    def _of_files(self, paths: list[pathlib.Path]) -> np.ndarray:
        where = CoefficientLayout().slices["expression"]
        arrays = [deep3d_files.read_deep3d_coefficients(path) for path in paths]
        return np.concatenate(arrays)[:, where]

    def _of_photo(self, photo: pathlib.Path) -> np.ndarray:
        if self._reconstructor is None:
            network, face_model = self._arguments
            self._reconstructor = FaceReconstructor.from_preset(network, face_model=face_model)
        (face,) = self._reconstructor.reconstruct(photo)
        return face.coefficients["expression"]
