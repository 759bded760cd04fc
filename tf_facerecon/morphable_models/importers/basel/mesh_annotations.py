"""Mesh annotations that the Basel files lack: consistent winding, UV coordinates, face regions.

Convention:
    Vertices in the model frame: +x to the image's right, +y up, +z out of the face. Triangles are
    0-based, counter-clockwise from outside. Texture coordinates lie in [0, 1], v up.
"""

import numpy as np

# The jaw ends below the ears: the axis of the vertical cylinder passes midway between them.
_JAW_ENDS = [0, 16]
_BROWS = slice(17, 27)
_EYES_AND_BROWS = (
    [17, 18, 19, 20, 21, *range(36, 42)],
    [22, 23, 24, 25, 26, *range(42, 48)],
)
_SIDES = [0, 1, 2, 3, 4, 12, 13, 14, 15, 16]
_CHIN = slice(5, 12)
# The photometric region excludes the face contour, which is often occluded in photographs.
_SIDE_SHRINK = 0.85
_BROW_MARGIN = 1.1


def orient_outward(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Reverses all triangles if they are clockwise from outside (as `tl` of the 2009 model).

    Decided by the sign of the volume between the surface and its centroid, which is positive for
    outward-oriented heads and (convex) faces.

    Args:
        vertices: `[V, 3]`.
        triangles: `[T, 3]`, consistently oriented.

    Returns:
        `[T, 3]` int32.
    """
    corners = (vertices - vertices[np.unique(triangles)].mean(axis=0))[triangles]
    volume = np.sum(corners[:, 0] * np.cross(corners[:, 1], corners[:, 2]))
    return (triangles if volume >= 0 else triangles[:, ::-1]).astype(np.int32)


def cylindrical_uv(
    vertices: np.ndarray, triangles: np.ndarray, landmarks: np.ndarray
) -> tuple[np.ndarray, np.ndarray | None]:
    """UV coordinates by cylindrical projection, with the seam at the back of the head.

    Folds of the surface (ears, nostrils, lips) overlap. The Basel models have no UV coordinates.

    Args:
        vertices: `[V, 3]` mean shape.
        triangles: `[T, 3]`.
        landmarks: `[68]` vertices of the iBUG points.

    Returns:
        `uv` float32 `[U, 2]`, and `uv_triangles` int32 `[T, 3]` into it; `None` where no triangle
        crosses the seam, so that U = V.
    """
    axis = vertices[landmarks[_JAW_ENDS]].mean(axis=0)
    angle = np.arctan2(vertices[:, 0] - axis[0], vertices[:, 2] - axis[2])
    corners = angle[triangles]
    crossing = np.ptp(corners, axis=1) > np.pi
    # Vertices of triangles that cross the seam get a second texture coordinate, beyond +π.
    beyond = crossing[:, None] & (corners < 0)
    copied, number = np.unique(triangles[beyond], return_inverse=True)
    uv_triangles = triangles.astype(np.int32)
    uv_triangles[beyond] = len(vertices) + number
    across = np.concatenate([angle, angle[copied] + 2 * np.pi])
    height = np.concatenate([vertices[:, 1], vertices[copied, 1]])
    uv = np.stack([_to_unit(across), _to_unit(height)], axis=-1).astype(np.float32)
    return uv, uv_triangles if len(copied) else None


def regions_from_landmarks(vertices: np.ndarray, landmarks: np.ndarray) -> dict[str, np.ndarray]:
    """Regions of the face as polygons between the 68 landmarks of the mean shape.

    Args:
        vertices: `[V, 3]` mean shape.
        landmarks: `[68]` vertices of the iBUG points.

    Returns:
        float32 `[V]` of 0 and 1: `eyes`, `lips` (without the mouth interior), `small_face` (for the
        photometric loss: from chin to forehead, without the contour), `skin` (forehead, nose and
        cheeks down to the nose base, without eyes and brows), similar to the masks of Deng et al.

    Raises:
        ValueError: If the landmarks of a region are collinear.
    """
    points = vertices[landmarks]
    front = vertices[:, 2] > points[_JAW_ENDS, 2].mean()

    def inside(outline):
        return front & _in_hull(vertices[:, :2], outline[:, :2])

    eyes = inside(points[36:42]) | inside(points[42:48])
    lips = inside(points[48:60]) & ~inside(points[60:68])
    face = inside(_small_outline(points))
    hairy = np.zeros(len(vertices), bool)
    for group in _EYES_AND_BROWS:
        centre = points[group].mean(axis=0)
        hairy |= inside(centre + _BROW_MARGIN * (points[group] - centre))
    skin = face & ~hairy & ~lips & (vertices[:, 1] > points[33, 1])
    regions = {"eyes": eyes, "lips": lips, "small_face": face, "skin": skin}
    return {name: region.astype(np.float32) for name, region in regions.items()}


def _small_outline(points: np.ndarray) -> np.ndarray:
    """Chin, narrowed sides, and brows shifted up by the length of the nose to the forehead."""
    sides, forehead = points[_SIDES].copy(), points[_BROWS].copy()
    middle = points[27, 0]
    sides[:, 0] = middle + _SIDE_SHRINK * (sides[:, 0] - middle)
    forehead[:, 1] += points[27, 1] - points[33, 1]
    return np.concatenate([points[_CHIN], sides, forehead])


def _in_hull(points: np.ndarray, outline: np.ndarray) -> np.ndarray:
    from scipy import spatial

    try:
        return spatial.Delaunay(outline).find_simplex(points) >= 0
    except spatial.QhullError as error:
        raise ValueError(
            "The landmarks must outline eyes, lips and face in the mean shape. Received: collinear "
            "points."
        ) from error


def _to_unit(values: np.ndarray) -> np.ndarray:
    low, high = values.min(), values.max()
    return (values - low) / (high - low) if high > low else np.zeros_like(values)
