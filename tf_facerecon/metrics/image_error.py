"""Photometric error of a fitted face, over a region that depends on the photograph alone.

A region that depended on the fit could be made easy: a face that shrinks would be compared with
less of the photograph.

Convention:
    Aligned crops, RGB in [0, 1]; points are `(column, row)` in pixels.
"""

import numpy as np

from tf_facerecon.metrics import landmark_error


def photometric_region(points: np.ndarray, skin_probability: np.ndarray) -> np.ndarray:
    """Pixels `[H, W]` (bool) over which the photometric error is averaged.

    Skin (probability above 0.5) inside `face_ellipse`. Pixels that the rendered face fails to cover
    are black and count as errors.

    Args:
        points: `[5, 2]` or `[68, 2]` landmarks detected in the photograph's crop.
        skin_probability: `[H, W]` in [0, 1].
    """
    return face_ellipse(points, skin_probability.shape) & (skin_probability > 0.5)


def face_ellipse(points: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Mask `[H, W]` (bool) of the face without hair, ears and neck.

    An ellipse that follows the in-plane rotation of the face. Its centre is midway between eyes and
    mouth; its semi-axes are the distance between the eyes, and 1.1 times the distance from eyes to
    mouth, which reaches from the middle of the forehead to the chin.

    Args:
        points: `[5, 2]` or `[68, 2]` landmarks of the face.
        size: Height and width of the crop.
    """
    left_eye, right_eye, _, left_mouth, right_mouth = landmark_error.five_points(points)
    eyes, mouth = (left_eye + right_eye) / 2, (left_mouth + right_mouth) / 2
    length = np.linalg.norm(mouth - eyes)
    down = (mouth - eyes) / length
    rows, columns = np.indices(size)
    offset = np.stack([columns, rows], axis=-1) - (eyes + mouth) / 2
    along = offset @ down / (1.1 * length)
    across = offset @ np.array([-down[1], down[0]]) / np.linalg.norm(right_eye - left_eye)
    return along**2 + across**2 < 1.0


def photometric_error(rendered: np.ndarray, crop: np.ndarray, region: np.ndarray) -> float:
    """Mean Euclidean RGB distance of two images over a region.

    Args:
        rendered: `[H, W, 3]`; clipped to [0, 1].
        crop: Photograph `[H, W, 3]`, RGB in [0, 1].
        region: Boolean `[H, W]`, see `photometric_region`.

    Returns:
        The mean over the region; NaN if the region is empty.
    """
    if not region.any():
        return float("nan")
    distance = np.linalg.norm(np.clip(rendered, 0.0, 1.0) - crop, axis=-1)
    return float(distance[region].mean())
