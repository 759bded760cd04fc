"""Face alignment: from a photograph and five points to the 224 x 224 crop of R-Net, and back.

Convention:
    Points are `(column, row)` in pixels, row down; the top-left pixel is (0, 0).
    Five points: eye on the left of the image, eye on the right, nose tip, mouth corner on the
    left, mouth corner on the right. 68 points: iBUG order.

Source: `align_img` of Deng et al. 2019 (microsoft/Deep3DFaceReconstruction), whose crops R-Net's
published weights were trained on; crop sizes and offsets equal theirs to the integer. The numbers
of the five-point template are theirs (MIT licence, Copyright (c) Microsoft Corporation; see
NOTICE).
"""

import dataclasses

import numpy as np

from tf_facerecon.core import checks
from tf_facerecon.geometry import face_landmarks
from tf_facerecon.photos import dlib_points

CROP_SIZE = 224
MAX_RESIZED_PIXELS = 100_000_000
_HALF = CROP_SIZE / 2
TARGET_SCALE = 102.0  # Pixels per decimetre of the template, in the crop.
_MIN_SPREAD = 0.01  # Smallest ratio of the two principal extents of the five points.

# Five points of the mean face, decimetres, x right, y up, z towards the camera.
FIVE_POINT_TEMPLATE = np.array(
    [
        [-0.311487, 0.290361, 0.133780],
        [0.309799, 0.289720, 0.131795],
        [0.003253, -0.046179, 0.552442],
        [-0.252169, -0.381339, 0.224057],
        [0.248466, -0.381282, 0.222358],
    ]
)


@dataclasses.dataclass(frozen=True)
class CropTransform:
    """Transform between a photograph and its aligned crop.

    The photograph `width x height` is resized to `resized_width x resized_height` and cropped at
    `(left, top)`, whole pixels as in the code of Deng et al. Points move exactly as pixels do. The
    labels of Deng et al. use the unrounded `scale` and `(x, y)` instead (`to_reference_crop`); the
    two differ by less than 2 pixels of the crop unless the photograph is enlarged (`scale` > 1).

    Attributes:
        width: Width of the photograph, pixels.
        height: Height of the photograph, pixels.
        scale: Crop pixels per photograph pixel.
        x: Column of the template's origin in the photograph.
        y: Height of the template's origin above the last row of the photograph (y up).
        resized_width: Width after resizing, truncated to whole pixels.
        resized_height: Height after resizing, truncated to whole pixels.
        left: First column of the crop in the resized photograph; may be negative.
        top: First row of the crop in the resized photograph; may be negative.
    """

    width: int
    height: int
    scale: float
    x: float
    y: float
    resized_width: int
    resized_height: int
    left: int
    top: int

    @property
    def matrix(self) -> np.ndarray:
        """`[3, 3]` float64: photograph `(column, row, 1)` to crop `(column, row, 1)`."""
        # Resizing maps edges of pixels, whose centres are at index + 0.5.
        x, y = self.resized_width / self.width, self.resized_height / self.height
        column, row = 0.5 * x - 0.5 - self.left, 0.5 * y - 0.5 - self.top
        return np.array([[x, 0.0, column], [0.0, y, row], [0.0, 0.0, 1.0]])

    @property
    def reference_matrix(self) -> np.ndarray:
        """`matrix` as the code of Deng et al. computes labels, without rounding to pixels."""
        column = self.scale * (self.width / 2 - self.x) - (self.resized_width / 2 - _HALF)
        # Rows flip to y up in the photograph (height - 1 - row) and back in the crop (223 - y).
        up = self.scale * (1.5 * self.height - 1 - self.y) - (self.resized_height / 2 - _HALF)
        row = CROP_SIZE - 1 - up
        return np.array([[self.scale, 0.0, column], [0.0, self.scale, row], [0.0, 0.0, 1.0]])

    def to_crop(self, points: np.ndarray) -> np.ndarray:
        """Maps points `[..., 2]` of the photograph to the crop."""
        return _apply(self.matrix, points)

    def to_reference_crop(self, points: np.ndarray) -> np.ndarray:
        """Maps points `[..., 2]` of the photograph to the crop as Deng's label files have them."""
        return _apply(self.reference_matrix, points)

    def to_image(self, points: np.ndarray) -> np.ndarray:
        """Maps points `[..., 2]` of the crop to the photograph."""
        return _apply(np.linalg.inv(self.matrix), points)


@dataclasses.dataclass(frozen=True, eq=False)
class AlignedFace:
    """An aligned crop and its transform.

    Attributes:
        image: `uint8 [224, 224, 3]`, RGB, black beyond the photograph.
        transform: Maps points between photograph and crop.
        mask: `uint8 [224, 224]` cropped from the mask of the photograph, if there is one.
    """

    image: np.ndarray
    transform: CropTransform
    mask: np.ndarray | None = None


def align_face(
    image: np.ndarray, points: np.ndarray, *, mask: np.ndarray | None = None
) -> AlignedFace:
    """Crops one face from a photograph, aligned, 224 x 224.

    Args:
        image: Photograph `uint8 [height, width, 3]`, RGB.
        points: Five points `[5, 2]` or 68 landmarks `[68, 2]` of the face in the photograph.
        mask: Optional `uint8 [height, width]`, resized and cropped in the same way.

    Raises:
        ValueError: If an argument has another shape or type, or if the points are not finite, lie
            far outside the photograph or on one line, or the face is too small to be enlarged.
    """
    _check_image("image", image, (None, None, 3))
    height, width = image.shape[:2]
    if mask is not None:
        _check_image("mask", mask, (height, width))
    transform = fit_crop_transform(points, width, height)
    return AlignedFace(
        image=crop_image(image, transform),
        transform=transform,
        mask=None if mask is None else crop_image(mask, transform),
    )


def fit_crop_transform(points: np.ndarray, width: int, height: int) -> CropTransform:
    """Fits a template under weak perspective (POS) to find the crop of a face.

    Columns and heights of the points are fitted as linear functions of the template's x, y and z by
    least squares: six parameters of rotation and scale, two of translation. The crop shows one
    decimetre of the template as 102 pixels.

    Args:
        points: `[5, 2]` or `[68, 2]`, in the photograph.
        width: Width of the photograph, pixels.
        height: Height of the photograph, pixels.

    Raises:
        ValueError: See `align_face`.
    """
    five_points = _five_points(points)
    _check_five_points(five_points, width, height)
    upward = np.stack([five_points[:, 0], height - 1 - five_points[:, 1]], axis=-1)
    design = np.concatenate([FIVE_POINT_TEMPLATE, np.ones([5, 1])], axis=-1)
    solution = np.linalg.lstsq(design, upward, rcond=None)[0]
    scale = float(TARGET_SCALE / np.mean(np.linalg.norm(solution[:3], axis=0)))
    x, y = (float(value) for value in solution[3])
    # `int` truncates towards zero, negative numbers included, as in the reference.
    resized_width, resized_height = int(width * scale), int(height * scale)
    if not 0 < resized_width * resized_height <= MAX_RESIZED_PIXELS:
        raise ValueError(
            f"`points` make a face that needs its {width} x {height} photograph scaled by "
            f"{scale:.4g}; expected a face larger in the photograph. Crop the photograph first."
        )
    return CropTransform(
        width=width,
        height=height,
        scale=scale,
        x=x,
        y=y,
        resized_width=resized_width,
        resized_height=resized_height,
        left=int(resized_width / 2 - _HALF + (x - width / 2) * scale),
        top=int(resized_height / 2 - _HALF + (height / 2 - y) * scale),
    )


def crop_image(image: np.ndarray, transform: CropTransform) -> np.ndarray:
    """Resizes `uint8 [height, width]` or `[height, width, 3]` and crops it, black outside.

    Raises:
        ValueError: If `image` differs in size from the transform's photograph, or is not `uint8`.
    """
    import PIL.Image

    trailing = () if np.ndim(image) == 2 else (3,)
    _check_image("image", image, (transform.height, transform.width, *trailing))
    # Pillow's bicubic filter is antialiased when downsampling; that of most other libraries is not.
    resized = PIL.Image.fromarray(image).resize(
        (transform.resized_width, transform.resized_height), PIL.Image.Resampling.BICUBIC
    )
    left, top = transform.left, transform.top
    return np.asarray(resized.crop((left, top, left + CROP_SIZE, top + CROP_SIZE)))


def five_points_from_68(landmarks: np.ndarray) -> np.ndarray:
    """Five points `[5, 2]` float64 from 68 iBUG landmarks `[68, 2]`; eyes are means of corners."""
    checks.check_shape("landmarks", landmarks, (68, 2))
    return face_landmarks.five_points_from_landmarks(np.asarray(landmarks, np.float64))


def check_face_order(name: str, five_points: np.ndarray, hint: str = "") -> None:
    """Raises `ValueError` unless five points are arranged as those of a face seen from the front.

    The mouth must be below the eyes, with its corners in the same left-to-right order. Points with
    rows counted upwards, mirrored or in another order fail, and so may detections of profiles.

    Args:
        name: Name of the points in the message.
        five_points: `[5, 2]`, (column, row), row down: eye on the image's left, eye on its right,
            nose tip, mouth corner on the left, on the right.
        hint: Text to add after "rows counted downwards".
    """
    checks.check_shape("five_points", five_points, (5, 2))
    if dlib_points.are_dlib_points(five_points):
        raise ValueError(f"{name}: {dlib_points.MESSAGE}.")
    eyes, mouth = five_points[1] - five_points[0], five_points[4] - five_points[3]
    down = (five_points[3] + five_points[4] - five_points[0] - five_points[1]) / 2
    if eyes[0] * down[1] - eyes[1] * down[0] <= 0 or eyes @ mouth <= 0:
        raise ValueError(
            f"{name} must stand in this order: eye on the image's left, eye on its right, nose "
            "tip, mouth corner on the left, on the right (or iBUG's 68), rows counted downwards"
            f"{hint}. Received: {five_points.round(1).tolist()}."
        )


def _five_points(points: np.ndarray) -> np.ndarray:
    """Converts five or 68 points to float64 `[5, 2]`."""
    points = np.asarray(points, np.float64)
    if points.shape == (68, 2):
        return five_points_from_68(points)
    if points.shape != (5, 2):
        raise ValueError(
            f"`points` must have shape [5, 2] or [68, 2]. Received: shape {list(points.shape)}."
        )
    return points


def _check_five_points(points: np.ndarray, width: int, height: int) -> None:
    """Raises `ValueError` for points that do not determine a crop."""
    if not np.isfinite(points).all():
        raise ValueError(f"`points` must be finite. Received: {points.tolist()}.")
    size = np.array([width, height], np.float64)
    if (points < -0.5 * size).any() or (points > 1.5 * size).any():
        raise ValueError(
            f"`points` must lie in the photograph of {width} x {height} pixels, or near it. "
            f"Received: {points.tolist()}."
        )
    if dlib_points.are_dlib_points(points):
        raise ValueError(f"`points`: {dlib_points.MESSAGE}. Received: {points.tolist()}.")
    extents = np.linalg.svd(points - points.mean(axis=0), compute_uv=False)
    if extents[1] <= _MIN_SPREAD * extents[0]:
        raise ValueError(
            f"`points` must not coincide or lie on one line. Received: {points.tolist()}."
        )


def _check_image(name: str, image: np.ndarray, expected: tuple[int | None, ...]) -> None:
    """Raises `ValueError` unless `image` is a `uint8` array of the expected shape."""
    checks.check_shape(name, image, expected)
    if image.dtype != np.uint8:
        raise ValueError(f"`{name}` must be uint8. Received: {image.dtype}.")


def _apply(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Applies an affine 3 x 3 `matrix` to points `[..., 2]`, in float64."""
    checks.check_shape("points", np.asarray(points), (..., 2))
    return np.asarray(points, np.float64) @ matrix[:2, :2].T + matrix[:2, 2]
