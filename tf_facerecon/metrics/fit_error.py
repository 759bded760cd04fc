"""How far a fit is from its photograph, by measures that a fit cannot cheat.

Convention:
    Everything lives in the aligned crop: RGB in [0, 1], points `(column, row)` in pixels. Where
    the errors are measured depends on the photograph alone, never on the fit.
"""

import numpy as np

from tf_facerecon.photos import face_alignment


def photo_region(points: np.ndarray, skin_probability: np.ndarray) -> np.ndarray:
    """Pixels `[H, W]` (bool) on which fits are judged: fixed by the photograph, whatever the fit.

    Skin (probability above one half) inside `face_ellipse`. A fit that shrinks or slides away
    leaves pixels of it black, and is charged for them.

    Args:
        points: `[5, 2]` or `[68, 2]` points found in the photograph's crop.
        skin_probability: `[H, W]` in [0, 1].
    """
    return face_ellipse(points, skin_probability.shape) & (skin_probability > 0.5)


def face_ellipse(points: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The part of a crop `[H, W]` (bool) that is face rather than hair, ears or neck.

    An ellipse that leans with the face. Its centre is half-way between eyes and mouth; its
    half-axes are the distance between the eyes, and 1.1 times that from eyes to mouth, which
    reaches from the middle of the forehead to the chin.

    Args:
        points: `[5, 2]` or `[68, 2]` points of the face.
        size: Height and width of the crop.
    """
    left_eye, right_eye, _, left_mouth, right_mouth = _five_points(points)
    eyes, mouth = (left_eye + right_eye) / 2, (left_mouth + right_mouth) / 2
    length = np.linalg.norm(mouth - eyes)
    down = (mouth - eyes) / length
    rows, columns = np.indices(size)
    offset = np.stack([columns, rows], axis=-1) - (eyes + mouth) / 2
    along = offset @ down / (1.1 * length)
    across = offset @ np.array([-down[1], down[0]]) / np.linalg.norm(right_eye - left_eye)
    return along**2 + across**2 < 1.0


def photometric_error(rendered: np.ndarray, crop: np.ndarray, region: np.ndarray) -> float:
    """Mean RGB distance of pictures `[H, W, 3]` over `region` `[H, W]`; NaN if that is empty."""
    if not region.any():
        return float("nan")
    distance = np.linalg.norm(np.clip(rendered, 0.0, 1.0) - crop, axis=-1)
    return float(distance[region].mean())


def point_error(predicted: np.ndarray, found: np.ndarray) -> float:
    """Mean distance of points `[5 | 68, 2]`, as a fraction of that between the found eyes."""
    left_eye, right_eye = _five_points(found)[:2]
    distances = np.linalg.norm(np.asarray(predicted) - found, axis=-1)
    return float(distances.mean() / np.linalg.norm(right_eye - left_eye))


def _five_points(points):
    points = np.asarray(points, np.float64)
    return points if len(points) == 5 else face_alignment.five_points_from_68(points)
