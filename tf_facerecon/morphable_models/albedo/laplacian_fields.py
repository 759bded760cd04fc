"""Gaussian random fields on a mesh from eigenfunctions of its cotangent Laplacian.

With cotangent weights and lumped vertex areas the fields depend on the surface and hardly on its
triangulation. The spectral density is that of a squared-exponential kernel on the plane,
`exp(-eigenvalue · length_scale² / 2)`.
"""

import numpy as np

# Obtuse triangles give negative cotangents; clipping keeps all edge weights positive.
_MIN_COTANGENT = 0.02
_MAX_COTANGENT = 20.0
_MIN_AREA = 1e-3  # Relative to the mean area of a vertex.


def smooth_fields(
    vertices: np.ndarray,
    triangles: np.ndarray,
    region: np.ndarray,
    length_scale: float,
    num_modes: int,
    mirror_index: np.ndarray | None = None,
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Karhunen-Loeve modes of a Gaussian random field of unit variance on a region of a mesh.

    Args:
        vertices: `[V, 3]`.
        triangles: `[T, 3]`; those with all corners in `region` are used.
        region: `[V]` boolean; connected or not.
        length_scale: Length scale of the kernel, in the unit of `vertices`.
        num_modes: Largest number of modes of each parity; without a mirror, of both together.
        mirror_index: `[V]` mirror image of each vertex, which must map the region to itself.

    Returns:
        For "even" and "odd" (mirror-symmetric and antisymmetric) the variances `[K]`, descending,
        and the fields `[V, K]`, 0 outside the region. All variances together sum to 1, and so do
        the squared fields at each vertex. Without a mirror all are "even".

    Raises:
        ValueError: If no triangle lies in the region or the mirror does not map it to itself.
    """
    region = np.asarray(region, bool)
    inside = np.flatnonzero(region)
    number = np.full(len(region), -1)
    number[inside] = np.arange(inside.size)
    faces = number[triangles]
    faces = faces[(faces >= 0).all(axis=1)]
    if not len(faces):
        raise ValueError("`region` must contain at least one triangle. Received: none.")
    stiffness, area = _laplacian(np.asarray(vertices, np.float64)[inside], faces)
    bases = _parity_bases(
        inside.size, None if mirror_index is None else number[mirror_index[inside]]
    )
    found = {parity: _lowest(stiffness, area, basis, num_modes) for parity, basis in bases.items()}
    energies = {
        parity: np.exp(-0.5 * length_scale**2 * values) for parity, (values, _) in found.items()
    }
    total = sum(energy.sum() for energy in energies.values())
    scaled = {parity: found[parity][1] * np.sqrt(energies[parity]) for parity in found}
    # Boundaries increase the variance near them: the division makes it uniform.
    deviation = np.sqrt(sum((fields**2).sum(axis=1, keepdims=True) for fields in scaled.values()))
    modes = {}
    for parity in ("even", "odd"):
        fields = np.zeros((len(region), len(energies.get(parity, ()))))
        if parity in found:
            fields[inside] = scaled[parity] / deviation
        modes[parity] = energies.get(parity, np.zeros(0)) / total, fields
    return modes


def _laplacian(vertices: np.ndarray, faces: np.ndarray):
    """Sparse stiffness matrix `[N, N]` and lumped vertex areas `[N]`."""
    from scipy import sparse

    size = len(vertices)
    rows, columns, weights = [], [], []
    doubled = np.linalg.norm(
        np.cross(
            vertices[faces[:, 1]] - vertices[faces[:, 0]],
            vertices[faces[:, 2]] - vertices[faces[:, 0]],
        ),
        axis=-1,
    )
    for k in range(3):
        corner, i, j = faces[:, k], faces[:, (k + 1) % 3], faces[:, (k + 2) % 3]
        dots = ((vertices[i] - vertices[corner]) * (vertices[j] - vertices[corner])).sum(axis=-1)
        cotangent = dots / np.maximum(doubled, np.finfo(np.float64).tiny)
        rows += [i, j]
        columns += [j, i]
        weights += [0.5 * np.clip(cotangent, _MIN_COTANGENT, _MAX_COTANGENT)] * 2
    edges = (np.concatenate(rows), np.concatenate(columns))
    adjacency = sparse.csr_matrix((np.concatenate(weights), edges), shape=(size, size))
    area = np.bincount(faces.ravel(), np.repeat(doubled / 6, 3), minlength=size)
    area = np.maximum(area, _MIN_AREA * area.mean())
    return sparse.diags(np.asarray(adjacency.sum(axis=1)).ravel()) - adjacency, area


def _parity_bases(size: int, mirror: np.ndarray | None) -> dict:
    """Orthonormal bases, sparse `[N, M]`, of the even and of the odd functions."""
    from scipy import sparse

    if mirror is None:
        return {"even": sparse.identity(size, format="csr")}
    own = np.arange(size)
    if mirror.min() < 0 or (mirror[mirror] != own).any():
        raise ValueError("`mirror_index` must be an involution that maps `region` to itself.")
    pairs, middle = own[own < mirror], own[own == mirror]
    half = np.full(pairs.size, np.sqrt(0.5))
    column = np.arange(pairs.size)
    shape = (size, pairs.size)
    there = sparse.csr_matrix((half, (pairs, column)), shape=shape)
    back = sparse.csr_matrix((half, (mirror[pairs], column)), shape=shape)
    fixed = (np.ones(middle.size), (middle, np.arange(middle.size)))
    fixed = sparse.csr_matrix(fixed, shape=(size, middle.size))
    return {"even": sparse.hstack([there + back, fixed], format="csr"), "odd": there - back}


def _lowest(stiffness, area: np.ndarray, basis, num_modes: int) -> tuple[np.ndarray, np.ndarray]:
    """Lowest eigenvalues `[K]`, ascending, and eigenfunctions `[N, K]` of unit square integral."""
    from scipy import linalg, sparse
    from scipy.sparse import linalg as sparse_linalg

    root = sparse.diags(1.0 / np.sqrt(basis.T.power(2) @ area))
    matrix = (root @ basis.T @ stiffness @ basis @ root).tocsc()
    count = min(num_modes, matrix.shape[0])
    if count >= matrix.shape[0] - 1:
        values, vectors = linalg.eigh(matrix.toarray(), subset_by_index=[0, count - 1])
    else:
        start = np.linspace(1.0, 2.0, matrix.shape[0])  # Fixed, for deterministic results.
        shift = -1e-3 * matrix.diagonal().mean()
        values, vectors = sparse_linalg.eigsh(matrix, count, sigma=shift, v0=start)
    order = np.argsort(values)
    values, vectors = np.maximum(values[order], 0.0), vectors[:, order]
    functions = basis @ (root @ vectors)
    largest = np.argmax(np.abs(functions) > 0.999 * np.abs(functions).max(axis=0), axis=0)
    return values, functions * np.sign(functions[largest, np.arange(count)])
