"""Vertex ranges of the parts of ICT-FaceKit, and selection of the parts of a face model.

Source: the table of parts in the kit's README, verified against the polygons.
"""

import dataclasses

import numpy as np

from tf_facerecon.morphable_models.albedo import mesh_masks
from tf_facerecon.morphable_models.importers.ict.ict_meshes import NeutralMesh

NARROW_FACE, FACE, FULL_HEAD = "narrow_face", "face", "full_head"
PART_NAMES = (NARROW_FACE, FACE, FULL_HEAD)


@dataclasses.dataclass(frozen=True)
class IctLayout:
    """Vertex ranges `(start, stop)`, `stop` exclusive.

    Not listed, and never selected, are transparent shells, which would be rendered opaque (tear
    film, eye blend and occlusion meshes, lashes), and the irises, which lie inside the eyeballs
    behind the cornea. Instead, iris and pupil are part of the albedo of the eyeballs.

    Attributes:
        num_vertices: Number of vertices of each mesh.
        num_identities: Number of identity modes.
        narrow_face: Skin without ears, neck and crown.
        face: Skin with ears and the front of the neck; includes the narrow face.
        head: Skin of the whole head.
        mouth: Oral cavity.
        eye_sockets: Eye sockets behind the lids.
        gums: Gums and tongue.
        teeth: Teeth.
        eyeballs: Left and right.
    """

    num_vertices: int
    num_identities: int
    narrow_face: tuple[int, int]
    face: tuple[int, int]
    head: tuple[int, int]
    mouth: tuple[int, int]
    eye_sockets: tuple[int, int]
    gums: tuple[int, int]
    teeth: tuple[int, int]
    eyeballs: tuple[tuple[int, int], tuple[int, int]]


LIGHT_MODEL = IctLayout(
    num_vertices=26_719,
    num_identities=100,
    narrow_face=(0, 6_706),
    face=(0, 9_409),
    head=(0, 11_248),
    mouth=(11_248, 13_294),
    eye_sockets=(13_294, 14_062),
    gums=(14_062, 17_039),
    teeth=(17_039, 21_451),
    eyeballs=((21_451, 22_221), (23_021, 23_791)),
)


@dataclasses.dataclass(frozen=True, eq=False)
class MeshPart:
    """A part of the kit's mesh; V vertices, T triangles.

    Attributes:
        vertices: `[V]` indices into the vertices of the kit, increasing.
        triangles: `[T, 3]` int32 into `vertices`.
        triangle_indices: `[T]` indices into the triangles of the kit.
        skin: `[V]` boolean.
        non_skin: `[V]` boolean masks of the parts that are not skin, by names in
            `mesh_masks.PARTS`.
    """

    vertices: np.ndarray
    triangles: np.ndarray
    triangle_indices: np.ndarray
    skin: np.ndarray
    non_skin: dict[str, np.ndarray]

    def local_indices(self, indices: np.ndarray) -> np.ndarray:
        """Converts vertex indices of the kit into indices of the part, -1 if not in it."""
        position = np.searchsorted(self.vertices, indices).clip(max=self.vertices.size - 1)
        return np.where(self.vertices[position] == indices, position, -1)


def select_part(mesh: NeutralMesh, part: str, layout: IctLayout) -> MeshPart:
    """Selects the vertices of a part, including eyes, teeth and the mouth interior.

    Raises:
        ValueError: If `part` is none of `PART_NAMES`.
    """
    ranges = {NARROW_FACE: layout.narrow_face, FACE: layout.face, FULL_HEAD: layout.head}
    if part not in ranges:
        raise ValueError(f"`part` must be one of {PART_NAMES}. Received: {part!r}.")
    linings = (layout.mouth, layout.eye_sockets) if part == FULL_HEAD else (layout.mouth,)
    skin = _mask(layout, ranges[part])
    non_skin = {
        mesh_masks.MOUTH: _mask(layout, *linings),
        mesh_masks.GUMS: _mask(layout, layout.gums),
        mesh_masks.TEETH: _mask(layout, layout.teeth),
        mesh_masks.EYEBALLS: _mask(layout, *layout.eyeballs),
    }
    kept = skin | np.any(list(non_skin.values()), axis=0)
    numbers = np.flatnonzero(kept)
    inside = np.flatnonzero(kept[mesh.triangles].all(axis=1))
    return MeshPart(
        vertices=numbers,
        triangles=np.searchsorted(numbers, mesh.triangles[inside]).astype(np.int32),
        triangle_indices=inside,
        skin=skin[kept],
        non_skin={name: mask[kept] for name, mask in non_skin.items()},
    )


def model_name(part: str) -> str:
    """Name of the face model of a part: "ict" for the narrow face, else "ict-<part>"."""
    return "ict" if part == NARROW_FACE else f"ict-{part.replace('_', '-')}"


def _mask(layout: IctLayout, *ranges: tuple[int, int]) -> np.ndarray:
    mask = np.zeros(layout.num_vertices, bool)
    for first, stop in ranges:
        mask[first:stop] = True
    return mask
