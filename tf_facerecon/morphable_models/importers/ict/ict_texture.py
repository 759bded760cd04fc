"""Packs the UDIM tiles of ICT-FaceKit's texture coordinates into one texture."""

import numpy as np

from tf_facerecon.morphable_models.importers.ict.ict_meshes import NeutralMesh

# The face takes most of the texture, the other materials small squares above and beside it.
_FACE_SIDE = 0.8
_SMALL_SIDE = 0.2
_FACE_MATERIAL = "M_Face"


def pack_uv(mesh: NeutralMesh, triangles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Packs the tiles of the selected triangles into the unit square, keeping seams.

    Args:
        mesh: The neutral face.
        triangles: `[T]` indices of the selected triangles.

    Returns:
        `[U, 2]` float32 texture coordinates in [0, 1], v up, and `[T, 3]` int32 indices into them.

    Raises:
        ValueError: If the selected triangles have more materials than the texture has squares.
    """
    corners, materials = mesh.uv_triangles[triangles], mesh.materials[triangles]
    others = sorted(set(materials.tolist()) - {_FACE_MATERIAL})
    slots = [(_FACE_SIDE, _SMALL_SIDE * k) for k in range(5)]
    slots += [(_SMALL_SIDE * k, _FACE_SIDE) for k in range(4)]
    if len(others) > len(slots):
        raise ValueError(f"At most {len(slots)} materials besides the face fit: {others}.")
    tiles = {_FACE_MATERIAL: (0.0, 0.0, _FACE_SIDE)}
    tiles |= {name: (*slot, _SMALL_SIDE) for name, slot in zip(others, slots, strict=False)}
    uv, uv_triangles, count = [], np.zeros_like(corners), 0
    for name, (left, bottom, side) in tiles.items():
        own = materials == name
        if not own.any():
            continue
        used, inverse = np.unique(corners[own], return_inverse=True)
        tile = mesh.uv[used]
        inside = np.clip(tile - np.floor(tile.min(axis=0)), 0.0, 1.0)
        uv.append(np.array([left, bottom]) + side * inside)
        uv_triangles[own] = count + inverse.reshape(-1, 3)
        count += used.size
    packed = np.clip(np.concatenate(uv), 0.0, 1.0)
    return packed.astype(np.float32), uv_triangles.astype(np.int32)
