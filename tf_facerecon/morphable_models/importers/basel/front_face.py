"""Topology and masks of the Basel Face Model 2009, cropped to the face as by Deng et al. 2019."""

import dataclasses

import numpy as np

from tf_facerecon.morphable_models.importers.basel import bfm09_files, mesh_annotations

ARRAYS = ("tri", "keypoints", "point_buf", "frontmask2_idx", "skinmask")


@dataclasses.dataclass(frozen=True)
class FrontFace:
    """Topology, landmarks and masks; indices are 0-based.

    Attributes:
        triangles: int32 `[T, 3]`, counter-clockwise from outside.
        landmarks: `[68]` vertices of the iBUG points.
        small_face: float32 `[V]` of 0 and 1: region of the photometric loss.
        skin: float32 `[V]` of 0 and 1: skin of uniform albedo.
    """

    triangles: np.ndarray
    landmarks: np.ndarray
    small_face: np.ndarray
    skin: np.ndarray


def front_face(arrays: dict[str, np.ndarray], num_vertices: int, label: str) -> FrontFace:
    """Topology and masks from `facemodel_info.mat` or `BFM_model_front.mat`, which repeats them.

    Args:
        arrays: The variables `ARRAYS` of the file.
        num_vertices: V.
        label: Name of the file in error messages.

    Raises:
        ValueError: If an array has a wrong shape, an index is out of range, a mask is not 0 or 1,
            or `point_buf` is not the incidence of `tri`.
    """

    def indices(name, shape, upper=num_vertices):
        return bfm09_files.from_one_based(arrays[name], shape, upper, f"`{name}` of {label}")

    triangles = indices("tri", (None, 3))
    # T + 1 (1-based) pads the list: no triangle.
    incident = indices("point_buf", (num_vertices, None), len(triangles) + 1)
    _check_incidence(triangles, incident, label)
    small_face = np.zeros(num_vertices, np.float32)
    small_face[indices("frontmask2_idx", (None, 1))] = 1.0
    skin = arrays["skinmask"].ravel()
    if len(skin) != num_vertices or not np.isin(skin, (0, 1)).all():
        raise ValueError(
            f"`skinmask` of {label} must hold 0 or 1 for each of {num_vertices} vertices. "
            f"Received: {len(skin)} numbers from {skin.min()} to {skin.max()}."
        )
    return FrontFace(
        triangles.astype(np.int32),
        indices("keypoints", (1, 68))[0],
        small_face,
        skin.astype(np.float32),
    )


def full_face(
    face: FrontFace, basel: dict[str, np.ndarray], in_basel: np.ndarray, front: np.ndarray
) -> FrontFace:
    """Transfers landmarks and masks of the cropped face to all vertices that have expressions.

    Args:
        face: The cropped face.
        basel: Result of `bfm09_files.read_basel`, with triangles.
        in_basel: Vertices of the Basel model that have expressions.
        front: Indices into `in_basel` of the vertices of the cropped face.

    Raises:
        ValueError: If no triangle of the Basel model connects vertices with expressions.
    """
    number = np.full(len(basel["shapeMU"]), -1)
    number[in_basel] = np.arange(len(in_basel))
    triangles = number[basel["tl"]]
    triangles = triangles[(triangles >= 0).all(axis=1)]
    if not len(triangles):
        raise ValueError(f"`tl` of {bfm09_files.BASEL} connects none of the selected vertices.")
    masks = np.zeros((2, len(in_basel)), np.float32)
    masks[:, front] = face.small_face, face.skin
    return FrontFace(
        mesh_annotations.orient_outward(basel["shapeMU"][in_basel], triangles),
        front[face.landmarks],
        *masks,
    )


def _check_incidence(triangles: np.ndarray, incident: np.ndarray, label: str) -> None:
    """Raises unless `incident` is the vertex-to-triangle incidence, to detect damaged files."""
    vertex, slot = np.nonzero(incident < len(triangles))
    listed = np.sort(incident[vertex, slot] * len(incident) + vertex)
    true = np.sort((np.arange(len(triangles))[:, None] * len(incident) + triangles).ravel())
    if not np.array_equal(listed, true):
        raise ValueError(
            f"`point_buf` of {label} must list the triangles of `tri` incident to each vertex."
        )
