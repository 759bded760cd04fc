"""Face detection by MTCNN (Zhang et al. 2016; the `mtcnn` package and its weights).

Convention:
    Points and boxes in pixels of the given photograph, `(column, row)`, row down, the centre of the
    top-left pixel being (0, 0). Five points: eye on the left of the image, eye on the right, nose
    tip, mouth corner on the left, mouth corner on the right.
"""

import contextlib
import dataclasses
import importlib.resources
from collections.abc import Sequence

import numpy as np

from tf_facerecon.core import checks, keras_settings

DETECTION_SIDE = 480  # Larger images take longer without better points.


@dataclasses.dataclass(frozen=True, eq=False)
class DetectedFace:
    """One face in a photograph.

    Attributes:
        box: Left, top, width, height; pixels.
        confidence: Score of the last detection stage, 0..1.
        five_points: float64 `[5, 2]`, pixels, not rounded.
    """

    box: tuple[float, float, float, float]
    confidence: float
    five_points: np.ndarray

    @property
    def area(self) -> float:
        """Pixels in the box."""
        return self.box[2] * self.box[3]


class FaceDetector:
    """MTCNN with its stock thresholds (0.6, 0.7, 0.8); finds upright faces of 20 pixels and more.

    The 20 pixels are counted after the long side of the photograph is reduced to 480. Faces rotated
    by more than about 45 degrees in the image plane are not detected.
    """

    def __init__(self):
        self._network = _load_mtcnn()

    def detect(self, image: np.ndarray) -> list[DetectedFace]:
        """Detects all faces in a photograph, the largest box first.

        Args:
            image: `uint8 [height, width, 3]` or grey `[height, width]`.

        Returns:
            The faces; empty if there is none.

        Raises:
            ValueError: If `image` has another shape or type.
        """
        image = np.asarray(image)
        if image.ndim == 2:
            image = np.repeat(image[..., np.newaxis], 3, axis=-1)
        checks.check_shape("image", image, (None, None, 3))
        if image.dtype != np.uint8:
            raise ValueError(f"`image` must be uint8. Received: {image.dtype}.")
        if 0 in image.shape:
            raise ValueError(f"`image` must hold pixels. Received: shape {list(image.shape)}.")
        shrunk = _shrink(image)
        rows = self._network.detect_faces(shrunk, output_type="numpy")
        scale = np.array([image.shape[1] / shrunk.shape[1], image.shape[0] / shrunk.shape[0]])
        faces = [_to_face(row, scale) for row in np.asarray(rows, np.float64).reshape(-1, 16)]
        return sorted(faces, key=lambda face: face.area, reverse=True)


def largest_face(faces: Sequence[DetectedFace], source: object) -> DetectedFace:
    """The face with the largest box.

    Args:
        faces: Results of `FaceDetector.detect`, in any order.
        source: The photograph, usually its file; for the message.

    Raises:
        ValueError: If there is no face.
    """
    if not faces:
        raise ValueError(
            f"No face was found in {source}. Expected an upright face of at least 20 pixels "
            f"once the long side is {DETECTION_SIDE} pixels; give its five points otherwise."
        )
    return max(faces, key=lambda face: face.area)


def _load_mtcnn():
    """Builds MTCNN from the weights inside its own package.

    `mtcnn.MTCNN()` would first unpickle a `pnet.lz4` from the working directory if there is one, so
    that an untrusted file there could run code. Absolute paths prevent that.
    """
    import mtcnn
    from mtcnn import stages

    networks = {"pnet": stages.StagePNet, "rnet": stages.StageRNet, "onet": stages.StageONet}
    folder = importlib.resources.files("mtcnn.assets.weights")
    with contextlib.ExitStack() as files:
        built = []
        for name, stage in networks.items():
            path = files.enter_context(importlib.resources.as_file(folder / f"{name}.lz4"))
            if not path.is_file():
                raise FileNotFoundError(
                    f"No detector weights {path}. Reinstall the package `mtcnn`: they are "
                    "part of its wheel."
                )
            with keras_settings.layer_defaults():
                built.append(stage(weights=str(path.absolute())))
    return mtcnn.MTCNN(stages=built)


def _shrink(image: np.ndarray) -> np.ndarray:
    """Resizes so that the long side is at most `DETECTION_SIDE`."""
    import PIL.Image

    height, width = image.shape[:2]
    factor = DETECTION_SIDE / max(height, width)
    if factor >= 1.0:
        return image
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    return np.asarray(PIL.Image.fromarray(image).resize(size, PIL.Image.Resampling.BICUBIC))


def _to_face(row: np.ndarray, scale: np.ndarray) -> DetectedFace:
    """Converts an MTCNN result `[image, x, y, w, h, score, 5 columns, 5 rows]` to a `DetectedFace`.

    Pixel centres stay pixel centres: c -> (c + 0.5) * scale - 0.5.
    """
    left, top = (row[1:3] + 0.5) * scale - 0.5
    width, height = row[3:5] * scale
    points = (row[6:16].reshape(2, 5).T + 0.5) * scale - 0.5
    return DetectedFace(
        box=(float(left), float(top), float(width), float(height)),
        confidence=float(row[5]),
        five_points=points,
    )
