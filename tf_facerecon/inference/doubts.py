"""Reasons to doubt a reconstruction: the detector and the mesh disagree, or little is visible."""

import numpy as np

from tf_facerecon.metrics import landmark_error

# Of 145 photos seven were above, and all of them had failed.
MAX_POINT_DISAGREEMENT = 0.16
MIN_CONFIDENCE = 0.95
MIN_EYE_DISTANCE = 12.0  # Pixels of the photo.
# Skin on the less visible side of the face over that on the other; 0.69 and more for 100 photos.
MIN_SIDE_RATIO = 0.4
_MIN_SKIN = 0.3  # Mean skin probability below which a photo, perhaps a grey one, says nothing.


class DoubtfulFaceWarning(UserWarning):
    """A reconstruction is probably wrong."""


def point_disagreement(predicted: np.ndarray, detected: np.ndarray) -> float:
    """Mean distance of the five points of mesh and detector, as a fraction of the eye distance.

    Args:
        predicted: `[5, 2]` of the network's mesh; refinement would hide a disagreement.
        detected: `[5, 2]` or `[68, 2]`, the same frame.
    """
    return landmark_error.interocular_error(predicted, landmark_error.five_points(detected))


def find_doubts(
    *,
    disagreement: float,
    confidence: float | None,
    photo_points: np.ndarray,
    crop_points: np.ndarray,
    mask: np.ndarray,
    skin_probability: np.ndarray,
) -> tuple[str, ...]:
    """Messages about a face; empty if there is no reason for doubt.

    Args:
        disagreement: See `point_disagreement`.
        confidence: Of the detector, 0 to 1; `None` if the caller gave the landmarks.
        photo_points: `[5, 2]` or `[68, 2]` detected landmarks, photo pixels.
        crop_points: The same in the crop.
        mask: `[224, 224]`, 1 inside the rendered face.
        skin_probability: `[224, 224]` of the crop.
    """
    left, right = landmark_error.five_points(photo_points)[:2]
    eye_distance = float(np.linalg.norm(right - left))
    ratio = _side_ratio(landmark_error.five_points(crop_points), mask, skin_probability)
    reasons = (
        (
            disagreement > MAX_POINT_DISAGREEMENT,
            f"detector and mesh disagree by {disagreement:.0%} of the eye distance",
        ),
        (
            confidence is not None and confidence < MIN_CONFIDENCE,
            f"the detector's confidence is only {confidence or 0.0:.2f}",
        ),
        (
            eye_distance < MIN_EYE_DISTANCE,
            f"the eyes are only {eye_distance:.0f} pixels apart",
        ),
        (ratio < MIN_SIDE_RATIO, "one side of the face seems to be hidden"),
    )
    return tuple(message for applies, message in reasons if applies)


def _side_ratio(five_points, mask, skin_probability) -> float:
    """Smaller over larger mean skin probability of two opposite sides; left-right, up-down."""
    rows, columns = np.indices(mask.shape)
    eyes, mouth = five_points[:2].mean(axis=0), five_points[3:].mean(axis=0)
    centre, across, ratios = (eyes + mouth) / 2, five_points[1] - five_points[0], []
    for column, row in (across, mouth - eyes):
        side = (columns - centre[0]) * column + (rows - centre[1]) * row
        sides = [skin_probability[(mask > 0) & part] for part in (side < 0, side > 0)]
        means = [part.mean() if part.size else 0.0 for part in sides]
        ratios.append(min(means) / max(means) if max(means) > _MIN_SKIN else 1.0)
    return float(min(ratios))
