"""Scan-to-mesh distances of neutral reconstructions: NoW and MICC Florence protocols.

Convention:
    The scan is in millimetres, in any frame; the reconstruction in any unit and frame. Errors
    are taken at the vertices of the scan: they do not depend on the resolution of the reconstructed
    mesh, but regions that it lacks (forehead, chin) increase them.

Sources: the NoW challenge (Sanyal et al. 2019) and its public evaluation; MICC Florence
(Bagdanov et al. 2011) as described by Deng et al. 2019 and in replies by its authors. This is an
independent implementation: numbers agree with theirs as far as two minimisers of one objective do.
"""

from collections.abc import Iterable
from typing import Literal

import numpy as np

from tf_facerecon.core import checks
from tf_facerecon.geometry import similarity_alignment
from tf_facerecon.metrics.mesh_alignment import align_mesh_to_scan
from tf_facerecon.metrics.point_to_mesh import Surface

# iBUG indices: outer and inner corner of the eye on the image's left, inner and outer of the one on
# its right, base of the nose, mouth corners on the left and on the right.
SEVEN_LANDMARKS = (36, 39, 42, 45, 33, 48, 54)
NOW_RADIUS_FACTOR = 1.4
MICC_RADIUS_MM = 95.0
_NASION, _NOSE_TIP, _NOSE_BASE = 27, 30, 33


def now_distances_mm(
    vertices: np.ndarray,
    triangles: np.ndarray,
    landmarks: np.ndarray,
    scan_vertices: np.ndarray,
    scan_landmarks: np.ndarray,
    *,
    unit_mm: float | None = None,
) -> np.ndarray:
    """Distances of the cropped scan's vertices to the reconstructed mesh, NoW protocol.

    The scan is cropped (`now_crop`), and the mesh is aligned with it by seven landmarks and then by
    least squares over all distances. The challenge pools the distances of all images:
    `distance_statistics`.

    Args:
        vertices: `[V, 3]` neutral reconstruction.
        triangles: Integer `[T, 3]`.
        landmarks: `[7, 3]` of the reconstruction (`SEVEN_LANDMARKS`), its unit.
        scan_vertices: `[N, 3]`, mm.
        scan_landmarks: `[7, 3]`, mm.
        unit_mm: Millimetres per unit of the reconstruction, to evaluate its size as well (metrical
            variant). With `None` the scale is fitted.

    Returns:
        `[K]` distances at the K scan vertices inside the crop, mm, in their order.

    Raises:
        ValueError: If a shape does not fit, or the landmarks lie on one line.
    """
    landmarks, scan_landmarks = _checked_landmarks(landmarks, scan_landmarks, 7)
    scan_vertices = np.asarray(scan_vertices, np.float64)
    points = scan_vertices[now_crop(scan_vertices, scan_landmarks)]
    start = _start(landmarks, scan_landmarks, unit_mm)
    found = align_mesh_to_scan(points, vertices, triangles, start, with_scale=unit_mm is None)
    aligned = Surface(similarity_alignment.apply_similarity(vertices, *found), triangles)
    return aligned.closest_points(points).distances


def now_crop(scan_vertices: np.ndarray, scan_landmarks: np.ndarray) -> np.ndarray:
    """Mask `[N]` of the scan vertices to evaluate: those in a ball around the nose.

    Its centre is 0.3 of the way from the nose's base to its bridge (middle of the inner eye
    corners); its radius 1.4 times the mean of the distance of the outer eye corners and of the
    nose's length, some 95 to 100 mm on an adult.

    Args:
        scan_vertices: `[N, 3]`.
        scan_landmarks: `[7, 3]`.
    """
    scan_vertices = np.asarray(scan_vertices, np.float64)
    _check_points("scan_vertices", scan_vertices, None)
    scan_landmarks = np.asarray(scan_landmarks, np.float64)
    _check_points("scan_landmarks", scan_landmarks, 7)
    outer_left, inner_left, inner_right, outer_right, nose_base = scan_landmarks[:5]
    bridge = (inner_left + inner_right) / 2
    centre = nose_base + 0.3 * (bridge - nose_base)
    eyes, nose = np.linalg.norm(outer_left - outer_right), np.linalg.norm(bridge - nose_base)
    radius = NOW_RADIUS_FACTOR * (eyes + nose) / 2
    return np.linalg.norm(scan_vertices - centre, axis=-1) <= radius


def distance_statistics(distances: Iterable[np.ndarray]) -> dict[str, float]:
    """Median, mean and (population) standard deviation of the pooled distances of all images.

    Raises:
        ValueError: If there is no distance, or one is not finite.
    """
    pooled = np.concatenate([np.ravel(values) for values in distances] or [np.zeros(0)])
    if not pooled.size or not np.isfinite(pooled).all():
        raise ValueError(
            "`distances` must hold at least one number, all finite. "
            f"Received: {pooled.size} numbers, {np.sum(~np.isfinite(pooled))} not finite."
        )
    return {
        "median": float(np.median(pooled)),
        "mean": float(np.mean(pooled)),
        "std": float(np.std(pooled)),
    }


def micc_error_mm(
    vertices: np.ndarray,
    triangles: np.ndarray,
    landmarks: np.ndarray,
    scan_vertices: np.ndarray,
    scan_landmarks: np.ndarray,
    *,
    radius_mm: float = MICC_RADIUS_MM,
    forehead: float | None = 0.5,
    distance: Literal["plane", "surface"] = "plane",
    average: Literal["rmse", "mean"] = "rmse",
    unit_mm: float | None = None,
) -> float:
    """Error of a neutral reconstruction against one scan, MICC protocol of Deng et al.

    The scan is cropped (`micc_crop`), and the mesh is aligned with it by seven landmarks and then
    by least squares including a scale; point-to-plane distances are averaged over the vertices of
    the scan. Papers report mean and standard deviation over the 53 people. Where the forehead is
    cropped was never published, so numbers are only roughly comparable with published ones.

    Args:
        vertices: `[V, 3]` neutral reconstruction.
        triangles: Integer `[T, 3]`.
        landmarks: `[68, 3]` iBUG points of the reconstruction, its unit.
        scan_vertices: `[N, 3]`, mm.
        scan_landmarks: `[68, 3]` iBUG points of the scan, mm.
        radius_mm: Radius of the crop around the nose tip.
        forehead: Height of the forehead that is kept, see `micc_crop`.
        distance: "plane": to the plane of the closest triangle; "surface": to the triangle itself.
        average: "rmse" (root of the mean square) or "mean".
        unit_mm: Millimetres per unit of the reconstruction, to evaluate without a fitted scale.

    Returns:
        Millimetres.

    Raises:
        ValueError: If an option is unknown, a shape does not fit or the crop is empty.
    """
    if distance not in ("plane", "surface"):
        raise ValueError(f'`distance` must be "plane" or "surface". Received: {distance!r}.')
    if average not in ("rmse", "mean"):
        raise ValueError(f'`average` must be "rmse" or "mean". Received: {average!r}.')
    landmarks, scan_landmarks = _checked_landmarks(landmarks, scan_landmarks, 68)
    scan_vertices = np.asarray(scan_vertices, np.float64)
    points = scan_vertices[micc_crop(scan_vertices, scan_landmarks, radius_mm, forehead)]
    seven = list(SEVEN_LANDMARKS)
    start = _start(landmarks[seven], scan_landmarks[seven], unit_mm)
    found = align_mesh_to_scan(points, vertices, triangles, start, with_scale=unit_mm is None)
    aligned = Surface(similarity_alignment.apply_similarity(vertices, *found), triangles)
    closest = aligned.closest_points(points)
    distances = closest.distances
    if distance == "plane":
        normals = aligned.normals[closest.triangles]
        distances = np.abs(np.sum((points - closest.positions) * normals, axis=-1))
    return float(np.sqrt(np.mean(distances**2)) if average == "rmse" else np.mean(distances))


def micc_crop(
    scan_vertices: np.ndarray,
    scan_landmarks: np.ndarray,
    radius_mm: float = MICC_RADIUS_MM,
    forehead: float | None = 0.5,
) -> np.ndarray:
    """Mask `[N]` of the scan vertices to evaluate: a ball around the nose tip, forehead cropped.

    Args:
        scan_vertices: `[N, 3]`, mm.
        scan_landmarks: `[68, 3]`, mm.
        radius_mm: Radius of the ball.
        forehead: Height above the nasion (landmark 27) at which the forehead is cropped, along the
            axis of the nose and as a fraction of its length (27 to 33); 0.5 is just above the
            eyebrows. `None` keeps the forehead.
    """
    scan_vertices = np.asarray(scan_vertices, np.float64)
    _check_points("scan_vertices", scan_vertices, None)
    scan_landmarks = np.asarray(scan_landmarks, np.float64)
    _check_points("scan_landmarks", scan_landmarks, 68)
    kept = np.linalg.norm(scan_vertices - scan_landmarks[_NOSE_TIP], axis=-1) <= radius_mm
    if forehead is not None:
        axis = scan_landmarks[_NASION] - scan_landmarks[_NOSE_BASE]
        height = (scan_vertices - scan_landmarks[_NASION]) @ axis / (axis @ axis)
        kept &= height <= forehead
    return kept


def _check_points(name: str, points: np.ndarray, count: int | None) -> None:
    """Checks for `[count, 3]`, all finite: holes of a scan would go unnoticed otherwise."""
    checks.check_shape(name, points, (count, 3))
    if not np.isfinite(points).all():
        raise ValueError(
            f"`{name}` must be finite. Received: {np.sum(~np.isfinite(points).all(axis=-1))} of "
            f"{len(points)} points that are not."
        )


def _start(landmarks, scan_landmarks, unit_mm):
    """Alignment by landmarks; with a known unit only rotation and translation are fitted."""
    if unit_mm is None:
        return similarity_alignment.similarity_transform(landmarks, scan_landmarks)
    if not unit_mm > 0:
        raise ValueError(f"`unit_mm` must be positive. Received: {unit_mm}.")
    _, rotation, translation = similarity_alignment.similarity_transform(
        unit_mm * landmarks, scan_landmarks, with_scale=False
    )
    return unit_mm, rotation, translation


def _checked_landmarks(landmarks, scan_landmarks, count):
    landmarks = np.asarray(landmarks, np.float64)
    scan_landmarks = np.asarray(scan_landmarks, np.float64)
    checks.check_shape("landmarks", landmarks, (count, 3))
    checks.check_shape("scan_landmarks", scan_landmarks, (count, 3))
    return landmarks, scan_landmarks
