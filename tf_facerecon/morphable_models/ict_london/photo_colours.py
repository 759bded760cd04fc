"""Colours of a face's vertices in one photograph, and which of them it shows."""

import dataclasses

import numpy as np
from scipy import ndimage

from tf_facerecon.morphable_models.ict_london import london_points, point_fit, visibility

# Standard deviation in pixels of the filter through which photographs are sampled: vertices lie two
# to five pixels apart.
_BLUR = 0.9
# Least cosine of the angle between normal and line of sight.
_LEAST_COSINE = 0.38
# How far inside the outlines of face and eyes vertices must lie, pixels.
_FACE_MARGIN, _EYE_MARGIN = 4, 0
# Radius of the iris on the eyeball, decimetres.
IRIS_RADIUS = 0.060


@dataclasses.dataclass(frozen=True, eq=False)
class PhotoColours:
    """What a photograph says about a face.

    Attributes:
        colours: `[V, 3]` RGB in [0, 1]; any value where nothing was seen.
        seen: `[V]` boolean.
        normals: `[V, 3]` unit normals, camera axes.
    """

    colours: np.ndarray
    seen: np.ndarray
    normals: np.ndarray


def sample_photo(
    image: np.ndarray,
    points: np.ndarray,
    fit: point_fit.PhotoFit,
    face: "SampledFace",
) -> PhotoColours:
    """Samples a photograph at a face's vertices.

    Args:
        image: `[H, W, 3]` uint8 RGB.
        points: `[189, 2]` hand-set points (column, row).
        fit: Of the photograph.
        face: What is known about the template.
    """
    vertices = face.mean + face.basis @ fit.coefficients
    on_face = face.points.mean + face.points.basis @ fit.coefficients
    places = point_fit.seen_at(
        fit,
        vertices,
        on_face,
        points[list(london_points.FACE_POINTS)],
        vertices[face.rim],
    )
    normals, cosine = visibility.facing(fit, vertices, face.triangles)
    seen = visibility.visible_vertices(fit, vertices, face.triangles) & (cosine > _LEAST_COSINE)
    size = image.shape[:2]
    inside = _inside(points[list(london_points.FACE_OUTLINE)], size, _FACE_MARGIN)
    inside |= _inside(points[list(london_points.NECK_OUTLINE)], size, _FACE_MARGIN)
    on_skin = face.skin & seen & _looked_up(inside, places)
    eyes = np.zeros_like(on_skin)
    projected = fit.project(vertices)
    for outline, iris, pole in zip(
        london_points.EYE_OUTLINES, london_points.IRISES, face.eye_poles, strict=True
    ):
        ball = face.eyeballs & (face.mean[:, 0] * face.mean[pole, 0] > 0)
        places[ball] = _iris_places(fit, vertices, projected[ball], pole, points[list(iris)])
        opening = _inside(points[list(outline)], size, _EYE_MARGIN)
        eyes |= ball & (cosine > 0) & _looked_up(opening, places)
    return PhotoColours(_sampled(image, places), on_skin | eyes, normals)


@dataclasses.dataclass(frozen=True, eq=False)
class SampledFace:
    """The template as photographs are sampled with it.

    Attributes:
        mean: `[V, 3]` decimetres.
        basis: `[V, 3, K]`.
        triangles: `[T, 3]` of all parts.
        points: Model of `london_points.FACE_POINTS`.
        skin: `[V]` boolean.
        eyeballs: `[V]` boolean.
        eye_poles: Foremost vertex of the left and of the right eye, as seen in the image.
        rim: Vertices that stay where the fit puts them.
    """

    mean: np.ndarray
    basis: np.ndarray
    triangles: np.ndarray
    points: point_fit.PointModel
    skin: np.ndarray
    eyeballs: np.ndarray
    eye_poles: tuple[int, int]
    rim: np.ndarray


def _iris_places(fit, vertices, projected, pole, iris):
    """Moves an eye so that its iris covers that of the photograph."""
    centre, radius = _circle(iris[1:])
    middle = fit.project(vertices[pole])
    aside = fit.project(vertices[pole] + [IRIS_RADIUS, 0.0, 0.0])
    return centre + (projected - middle) * radius / np.linalg.norm(aside - middle)


def _circle(points: np.ndarray) -> tuple[np.ndarray, float]:
    """Centre and radius of the circle of least squares through points `[N, 2]`."""
    system = np.column_stack([2.0 * points, np.ones(len(points))])
    solution, *_ = np.linalg.lstsq(system, np.sum(points**2, axis=1), rcond=None)
    centre = solution[:2]
    return centre, float(np.sqrt(max(solution[2] + centre @ centre, 1e-6)))


def _inside(outline: np.ndarray, size: tuple[int, int], margin: int) -> np.ndarray:
    """Mask `[H, W]` of a polygon (column, row), made narrower by `margin` pixels."""
    import PIL.Image
    import PIL.ImageDraw

    mask = PIL.Image.new("L", size[::-1])
    PIL.ImageDraw.Draw(mask).polygon([tuple(point) for point in outline.tolist()], fill=1)
    inside = np.asarray(mask) > 0
    return ndimage.binary_erosion(inside, iterations=margin) if margin else inside


def _looked_up(mask: np.ndarray, places: np.ndarray) -> np.ndarray:
    column, row = np.rint(places).astype(int).T
    height, width = mask.shape
    within = (column >= 0) & (column < width) & (row >= 0) & (row < height)
    return within & mask[np.clip(row, 0, height - 1), np.clip(column, 0, width - 1)]


def _sampled(image: np.ndarray, places: np.ndarray) -> np.ndarray:
    smooth = ndimage.gaussian_filter(image.astype(np.float64) / 255.0, (_BLUR, _BLUR, 0))
    columns, rows = places.T
    return np.stack(
        [
            ndimage.map_coordinates(smooth[..., k], [rows, columns], order=1, mode="nearest")
            for k in range(3)
        ],
        axis=-1,
    )
