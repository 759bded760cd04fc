"""Geometric augmentation: shift, scale, rotation and mirroring of an aligned crop and its labels.

Convention:
    Points are `(column, row)`, row down; the centre of the top-left pixel is (0, 0). Image and
    points are transformed about the centre of the image, 112 pixels from its edges; a mirrored
    column is 223 - column.

Source: Deep3DFaceRecon_pytorch (`data/image_folder`, `util/preprocess`); ranges as trained there.
There, points are transformed about (112, 112), half a pixel to the right of and below that centre,
and a mirrored column is 224 - column: `reference_quirks`.
Randomness comes only from the given generator.
"""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from tf_facerecon.core import checks

# Index of the landmark that becomes landmark i of the mirrored face; iBUG order. Its own inverse.
FLIP_LANDMARKS = np.array(
    [*range(16, -1, -1), *range(26, 16, -1), *range(27, 31), *range(35, 30, -1)]
    + [45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40]
    + [*range(54, 47, -1), *range(59, 54, -1), *range(64, 59, -1), 67, 66, 65]
)
FLIP_FIVE_POINTS = np.array([1, 0, 2, 4, 3])
# From indices of pixels to coordinates that count from the corner of the image, and back.
_HALF_PIXEL = np.array([[1.0, 0.0, 0.5], [0.0, 1.0, 0.5], [0.0, 0.0, 1.0]])
_HALF_PIXEL_BACK = np.linalg.inv(_HALF_PIXEL)


@dataclasses.dataclass(frozen=True)
class AugmentationRange:
    """Ranges of random augmentation.

    Attributes:
        shift: Largest shift of columns and of rows, whole pixels.
        scale: Largest relative change of size.
        angle: Largest rotation, degrees.
        flip: Probability of mirroring.
    """

    shift: int = 10
    scale: float = 0.1
    angle: float = 10.0
    flip: float = 0.5

    def __post_init__(self):
        if self.shift < 0 or self.angle < 0 or not 0 <= self.scale < 1 or not 0 <= self.flip <= 1:
            raise ValueError(
                "`shift` and `angle` must not be negative, `scale` must lie in [0, 1), `flip` in "
                f"[0, 1]. Received: {self}."
            )


@dataclasses.dataclass(frozen=True)
class Augmentation:
    """One augmentation.

    Attributes:
        dx: Shift of columns, pixels, before scaling and rotation.
        dy: Shift of rows, pixels, before scaling and rotation.
        scale: Factor of size.
        angle: Rotation, degrees; positive is clockwise in the image.
        flip: Whether the image is mirrored (before everything else).
    """

    dx: int = 0
    dy: int = 0
    scale: float = 1.0
    angle: float = 0.0
    flip: bool = False

    def matrix(self, size: int = 224) -> np.ndarray:
        """`[3, 3]` float64: `(x, y, 1)` before to after, pixels; C · S · R · T · F · O.

        Coordinates count from the top-left corner of the image, where that pixel's centre has
        (0.5, 0.5). O moves the centre to the origin, F mirrors, T shifts, R rotates, S scales, C
        moves back.
        """
        half = size / 2
        radians = -np.deg2rad(self.angle)
        rotation = np.array(
            [[np.cos(radians), np.sin(radians)], [-np.sin(radians), np.cos(radians)]]
        )
        linear = self.scale * rotation
        mirror = np.array([-1.0 if self.flip else 1.0, 1.0])
        result = np.eye(3)
        result[:2, :2] = linear * mirror
        result[:2, 2] = linear @ (np.array([self.dx, self.dy]) - half * mirror) + half
        return result


def draw_augmentation(
    generator: np.random.Generator, limits: AugmentationRange | None = None
) -> Augmentation:
    """Draws an augmentation, each parameter uniformly within `limits`."""
    limits = limits or AugmentationRange()
    dx, dy = generator.integers(-limits.shift, limits.shift, size=2, endpoint=True)
    return Augmentation(
        dx=int(dx),
        dy=int(dy),
        scale=float(generator.uniform(1 - limits.scale, 1 + limits.scale)),
        angle=float(generator.uniform(-limits.angle, limits.angle)),
        flip=bool(generator.uniform() < limits.flip),
    )


def augment_randomly(
    sample: Mapping[str, np.ndarray],
    limits: AugmentationRange | None,
    seed: Sequence[int],
    reference_quirks: bool = False,
) -> Mapping[str, np.ndarray]:
    """Augments a sample within `limits`, as `seed` alone determines; `None` leaves it alone."""
    if limits is None:
        return sample
    drawn = draw_augmentation(np.random.default_rng(seed), limits)
    return augment(sample, drawn, reference_quirks)


def augment(
    sample: Mapping[str, np.ndarray], augmentation: Augmentation, reference_quirks: bool = False
) -> dict[str, np.ndarray]:
    """Transforms the image, the skin mask and all points of a sample.

    Args:
        sample: `image` `uint8 [N, N, 3]`, `skin` `uint8 [N, N, 1]`, `landmarks` `[68, 2]`,
            `landmark_weights` `[68]`, `five_points` `[5, 2]`.
        augmentation: The transformation.
        reference_quirks: Whether points are transformed as if pixel indices counted from the corner
            of the image, as in the PyTorch code: a mirrored face is then one pixel to the left of
            its points, a rotated or scaled one by less than half a pixel off.

    Returns:
        The same keys, shapes and types; black outside the original image.

    Raises:
        ValueError: If a key is missing or there is another one (true coefficients would no longer
            be valid), if a shape differs, or if image or skin is not `uint8`.
    """
    expected = {"image", "skin", "landmarks", "landmark_weights", "five_points"}
    if sample.keys() != expected:
        raise ValueError(f"`sample` must hold {sorted(expected)}. Received: {sorted(sample)}.")
    size = np.shape(sample["image"])[0]
    checks.check_shape("image", sample["image"], (size, size, 3))
    checks.check_shape("skin", sample["skin"], (size, size, 1))
    checks.check_shape("landmarks", sample["landmarks"], (68, 2))
    checks.check_shape("landmark_weights", sample["landmark_weights"], (68,))
    checks.check_shape("five_points", sample["five_points"], (5, 2))
    matrix = augmentation.matrix(size)
    of_indices = matrix if reference_quirks else _HALF_PIXEL_BACK @ matrix @ _HALF_PIXEL
    landmarks = transform_points(sample["landmarks"], of_indices)
    weights = sample["landmark_weights"]
    five_points = transform_points(sample["five_points"], of_indices)
    if augmentation.flip:
        landmarks, weights = landmarks[FLIP_LANDMARKS], weights[FLIP_LANDMARKS]
        five_points = five_points[FLIP_FIVE_POINTS]
    return {
        "image": transform_image(sample["image"], matrix),
        "skin": transform_image(sample["skin"][..., 0], matrix)[..., np.newaxis],
        "landmarks": landmarks,
        "landmark_weights": weights,
        "five_points": five_points,
    }


def transform_image(image: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Warps `uint8` `[H, W]` or `[H, W, 3]` by `Augmentation.matrix`; bicubic, black outside.

    Raises:
        ValueError: If `image` is not `uint8`.
    """
    import PIL.Image

    if image.dtype != np.uint8:
        raise ValueError(f"`image` must be uint8. Received: {image.dtype}.")
    source = PIL.Image.fromarray(np.ascontiguousarray(image))
    backward = np.linalg.inv(matrix)[:2].ravel()  # Pillow wants output to input.
    moved = source.transform(
        source.size,
        PIL.Image.Transform.AFFINE,
        backward.tolist(),
        resample=PIL.Image.Resampling.BICUBIC,
    )
    return np.asarray(moved)


def transform_points(points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Transforms points `[..., 2]` by a `[3, 3]` matrix and keeps their dtype."""
    points = np.asarray(points)
    moved = points.astype(np.float64) @ matrix[:2, :2].T + matrix[:2, 2]
    return moved.astype(np.result_type(points, np.float32), copy=False)
