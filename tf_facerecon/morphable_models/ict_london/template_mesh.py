"""The mesh: ICT-FaceKit's own, clipped to a face, decimated and subdivided to a resolution.

It is decimated where it is finer than photographs show and subdivided where albedo needs more
vertices than shape does. Every vertex is one of the kit's, a point on one of its edges, or a smooth
interpolation between such, so that all shapes of the kit carry over by one linear map.

Convention:
    Kit frame: centimetres, +x to the subject's left, +y up, +z out of the face.
"""

import dataclasses
from collections.abc import Mapping

import numpy as np

from tf_facerecon.morphable_models.ict_london import (
    mesh_clipping,
    mesh_decimation,
    mesh_resolution,
    mesh_subdivision,
)

SKIN, MOUTH, SOCKETS, GUMS, TEETH, EYEBALLS = (
    "skin",
    "mouth",
    "eye_sockets",
    "gums",
    "teeth",
    "eyeballs",
)
DEFAULT_VERTICES = 10_000

# Where the face ends above: height by distance from the middle, cm; and below: height by depth.
_HAIRLINE = ((0, 3, 5, 6.3, 7.2, 8.2, 12), (10.3, 10.2, 9.3, 7.5, 5.0, 4.6, 4.6))
_NECKLINE = ((-2, 2, 6, 10), (-9.5, -10.2, -11.2, -11.5))
# Share of the vertices that stay in each part, and in the skin's outskirts and hidden folds.
_KEPT = {MOUTH: 0.14, SOCKETS: 0.14, GUMS: 0.14, TEETH: 0.19, EYEBALLS: 0.45}
_KEPT_OUTSKIRTS = 0.42
# Eyeballs end this far behind their foremost point, cm; nobody sees more of them.
_EYEBALL_DEPTH = 1.25
# Within this distance from the line of sight eyeballs keep all vertices: irises are drawn there.
_IRIS_REACH = 0.75


@dataclasses.dataclass(frozen=True, eq=False)
class Template:
    """A face mesh and how it follows the kit; V vertices, T triangles.

    Attributes:
        triangles: `[T, 3]` int32, counter-clockwise from outside.
        landmarks: `[68]` int32.
        mirror_index: `[V]` int32.
        parts: `[V]` boolean masks by name; they share no vertex.
        kit_vertices: `[B]` kit numbers of the first ends of the base vertices.
        kit_ends: `[B]` kit numbers of their second ends; the first again for a vertex of the kit.
        kit_shares: `[B]` how far each lies from the first end to the second.
        rounds: Triangles `[T_k, 3]` and number of vertices after each round of splitting.
    """

    triangles: np.ndarray
    landmarks: np.ndarray
    mirror_index: np.ndarray
    parts: Mapping[str, np.ndarray]
    kit_vertices: np.ndarray
    kit_ends: np.ndarray
    kit_shares: np.ndarray
    rounds: tuple[tuple[np.ndarray, int], ...]

    @property
    def num_vertices(self) -> int:
        """V."""
        return len(self.mirror_index)

    def carry(self, values: np.ndarray) -> np.ndarray:
        """Brings values at the kit's vertices `[V_kit, ...]` to the template's, `[V, ...]`."""
        values = np.asarray(values, np.float64)
        share = self.kit_shares.reshape(-1, *(1,) * (values.ndim - 1))
        carried = values[self.kit_vertices] * (1.0 - share) + values[self.kit_ends] * share
        for triangles, count in self.rounds:
            carried = mesh_subdivision.fill_smoothly(triangles, carried, count)
        return carried


def build_template(
    points: np.ndarray,
    triangles: np.ndarray,
    landmarks: np.ndarray,
    mirror: np.ndarray,
    parts: Mapping[str, np.ndarray],
    num_vertices: int = DEFAULT_VERTICES,
) -> Template:
    """Makes the mesh.

    Args:
        points: `[V_kit, 3]` mean of the kit, cm.
        triangles: `[T_kit, 3]`.
        landmarks: `[68]` kit vertices.
        mirror: `[V_kit]` kit vertex that is the mirror image of each.
        parts: `[V_kit]` boolean masks of the parts to use, by this module's names.
        num_vertices: About how many; the base mesh is the least.

    Raises:
        ValueError: If a landmark lies outside the face.
    """
    points = 0.5 * (points + points[mirror] * [-1.0, 1.0, 1.0])
    whole = _symmetric_triangles(points, triangles, mirror, parts)
    height = _height_above_rim(points)
    cuts, skin = mesh_clipping.clip_mesh(whole[parts[SKIN][whole].all(axis=1)], height)
    first, second = cuts[:, :2].astype(int).T
    share = cuts[:, 2]
    added = points[first] + share[:, None] * (points[second] - points[first])
    points = np.concatenate([points, added])
    mirror = np.concatenate([mirror, _mirrored_cuts(first, second, mirror) + len(mirror)])
    protected = np.zeros(len(points), bool)
    protected[landmarks] = protected[mirror[landmarks]] = True
    kept = [_thin_skin(points, skin, mirror, protected)]
    for name in _KEPT:
        if name in parts:
            kept.append(_thin_part(name, points, whole, mirror, parts[name]))
    base = np.concatenate(kept)
    numbers = np.unique(base)
    if not np.isin(landmarks, numbers).all():
        raise ValueError("`landmarks` must all lie on the face that is kept.")
    place = np.full(len(points), -1)
    place[numbers] = np.arange(len(numbers))
    ends = np.stack([np.r_[np.arange(len(height)), first], np.r_[np.arange(len(height)), second]])
    shares = np.r_[np.zeros(len(height)), share]
    names = np.full(len(height), "", object)
    for name, mask in parts.items():
        names[mask] = name
    names = names[ends[0][numbers]]
    rounds, mirror_index = mesh_resolution.refine(
        points[numbers],
        place[base],
        place[landmarks],
        place[mirror[numbers]],
        names == SKIN,
        num_vertices,
    )
    final = rounds[-1][0] if rounds else place[base]
    # Splits happen on skin only.
    names = np.r_[names, np.full(len(mirror_index) - len(names), SKIN, object)]
    return Template(
        triangles=final.astype(np.int32),
        landmarks=place[landmarks].astype(np.int32),
        mirror_index=mirror_index.astype(np.int32),
        parts={name: names == name for name in parts},
        kit_vertices=ends[0][numbers],
        kit_ends=ends[1][numbers],
        kit_shares=shares[numbers],
        rounds=tuple(rounds),
    )


def _symmetric_triangles(points, triangles, mirror, parts) -> np.ndarray:
    """The kit's triangles of the parts; quadrilaterals are divided alike on both sides."""
    used = np.any(list(parts.values()), axis=0)
    inside = triangles[used[triangles].all(axis=1)]
    half = inside[(points[inside][..., 0] <= 1e-6).all(axis=1)]
    return np.concatenate([half, mirror[half][:, ::-1]])


def _height_above_rim(points: np.ndarray) -> np.ndarray:
    """Positive inside the face, `[V]` cm."""
    across, up, out = np.abs(points[:, 0]), points[:, 1], points[:, 2]
    return np.minimum(np.interp(across, *_HAIRLINE) - up, up - np.interp(out, *_NECKLINE))


def _mirrored_cuts(first, second, mirror) -> np.ndarray:
    numbers = {pair: k for k, pair in enumerate(zip(first.tolist(), second.tolist(), strict=True))}
    mirrored = zip(mirror[first].tolist(), mirror[second].tolist(), strict=True)
    return np.array([numbers[pair] for pair in mirrored], int)


def _thin_skin(points, skin, mirror, protected) -> np.ndarray:
    removable = np.zeros(len(points), bool)
    removable[np.unique(skin)] = True
    removable &= mesh_resolution.outskirts(points) & ~protected
    count = int((1.0 - _KEPT_OUTSKIRTS) * removable.sum())
    return mesh_decimation.decimate(points, skin, mirror, removable, count)


def _thin_part(name, points, triangles, mirror, mask) -> np.ndarray:
    mask = np.r_[mask, np.zeros(len(points) - len(mask), bool)]
    own = triangles[mask[triangles].all(axis=1)]
    if name == EYEBALLS:
        front = points[mask, 2].max()
        own = own[(points[own][..., 2] > front - _EYEBALL_DEPTH).all(axis=1)]
    used = np.unique(own)
    removable = np.zeros(len(points), bool)
    removable[used] = True
    if name == EYEBALLS:
        side = used[points[used, 0] > 0]
        pole = points[side[np.argmax(points[side, 2])]]
        aside = np.hypot(np.abs(points[:, 0]) - pole[0], points[:, 1] - pole[1])
        removable &= aside > _IRIS_REACH
    count = int((1.0 - _KEPT[name]) * removable.sum())
    return mesh_decimation.decimate(points, own, mirror, removable, count)
