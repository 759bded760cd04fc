"""Made-up files in the layouts of the Basel models: names, dtypes, orders as there; few vertices.

A random sheet of some 400 vertices through the 68 landmarks of a face stands for the Basel mesh.
"""

import dataclasses
import functools
import json

import h5py
import numpy as np
from scipy import interpolate, io, spatial

from tf_facerecon.morphable_models.parameterization import face_domain

NUM_MODES, NUM_EXPRESSION_MODES = 199, 79

# Which of the 68 landmarks the Basel metadata name.
NAMED = {
    "center.chin.tip": 8,
    "center.nose.tip": 30,
    "right.eye.corner_outer": 36,
    "right.eye.corner_inner": 39,
    "left.eye.corner_inner": 42,
    "left.eye.corner_outer": 45,
    "right.lips.corner": 48,
    "center.lips.upper.outer": 51,
    "left.lips.corner": 54,
    "center.lips.lower.outer": 57,
    "center.lips.upper.inner": 62,
    "center.lips.lower.inner": 66,
}


@dataclasses.dataclass
class MadeUpMesh:
    """Decimetres, triangles counter-clockwise from outside, counted from 0."""

    vertices: np.ndarray
    triangles: np.ndarray
    landmarks: np.ndarray


@functools.cache
def made_up_mesh() -> MadeUpMesh:
    rng = np.random.default_rng(7)
    template = face_domain.landmark_template()
    side = np.linspace(-1.05, 1.05, 20)
    grid = np.stack(np.meshgrid(side, side), -1).reshape(-1, 2)
    grid += rng.uniform(-0.02, 0.02, grid.shape)
    distance = np.linalg.norm(grid[:, None] - template[:, :2], axis=-1).min(axis=1)
    grid = grid[distance > 0.03]
    surface = interpolate.RBFInterpolator(template[:, :2], template[:, 2], kernel="linear")
    vertices = np.concatenate([template, np.column_stack([grid, surface(grid)])])
    # The real landmarks are spread over the whole list of vertices.
    order = rng.permutation(len(vertices))
    vertices, landmarks = vertices[order], np.argsort(order)[:68]
    corners = spatial.Delaunay(vertices[:, :2]).simplices
    a, b, c = (vertices[corners[:, i], :2] for i in range(3))
    area = (b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]
    triangles = np.where(area[:, None] > 0, corners, corners[:, ::-1])
    return MadeUpMesh(vertices, triangles, landmarks)


def incidence(triangles, num_vertices):
    """`point_buf`: for each vertex its triangles from 1, then T + 1."""
    around = [np.flatnonzero((triangles == v).any(axis=1)) + 1 for v in range(num_vertices)]
    table = np.full((num_vertices, max(map(len, around))), len(triangles) + 1)
    for row, numbers in zip(table, around, strict=True):
        row[: len(numbers)] = numbers
    return table


@dataclasses.dataclass
class Bfm09Truth:
    """What was written, as it was drawn (float32 where the file has float32)."""

    basel: dict
    expression_modes: np.ndarray
    expression_scales: np.ndarray
    in_basel: np.ndarray
    front: np.ndarray
    info: dict
    triangles: np.ndarray
    landmarks: np.ndarray


def bfm09_truth(seed=0) -> Bfm09Truth:
    rng = np.random.default_rng(seed)
    mesh = made_up_mesh()
    count = len(mesh.vertices)
    basel = {
        "shapePC": rng.standard_normal((3 * count, NUM_MODES)).astype(np.float32),
        "shapeEV": rng.uniform(1e4, 9e5, (NUM_MODES, 1)).astype(np.float32),
        "shapeMU": (1e5 * mesh.vertices + [100, -4e4, 6e4]).reshape(-1, 1).astype(np.float32),
        "texPC": rng.standard_normal((3 * count, NUM_MODES)).astype(np.float32),
        "texEV": rng.uniform(10, 900, (NUM_MODES, 1)).astype(np.float32),
        "texMU": rng.uniform(20, 220, (3 * count, 1)).astype(np.float32),
        # Clockwise from outside.
        "tl": (mesh.triangles[:, ::-1] + 1).astype(np.int32),
    }
    others = np.setdiff1d(np.arange(count), mesh.landmarks)
    in_basel = np.setdiff1d(np.arange(count), rng.choice(others, 11, replace=False))
    x, y, _ = mesh.vertices[in_basel].T
    front = np.flatnonzero((np.abs(x) < 0.86) & (np.abs(y) < 0.9))
    number = np.full(count, -1)
    number[in_basel[front]] = np.arange(len(front))
    triangles = number[mesh.triangles]
    triangles = triangles[(triangles >= 0).all(axis=1)]
    mask = rng.random(len(front)) < 0.8
    small = number_of(mask)[triangles[mask[triangles].all(axis=1)]]
    info = {
        "tri": (triangles + 1).astype(np.float32),
        "keypoints": (number[mesh.landmarks] + 1)[None].astype(np.float32),
        "point_buf": incidence(triangles, len(front)).astype(np.float32),
        "frontmask2": mask[None].astype(np.float32),
        "frontmask2_idx": (np.flatnonzero(mask) + 1)[:, None].astype(np.float32),
        "tri_mask2": (small + 1).astype(np.float32),
        "skinmask": (rng.random((1, len(front))) < 0.3).astype(np.float32),
    }
    return Bfm09Truth(
        basel,
        rng.standard_normal((NUM_EXPRESSION_MODES, 3 * len(in_basel))).astype(np.float32),
        np.sort(rng.uniform(200, 5e5, NUM_EXPRESSION_MODES).round(2))[::-1],
        in_basel,
        front,
        info,
        triangles,
        number[mesh.landmarks],
    )


def number_of(mask):
    """Old to new numbers when the elements of `mask` are kept."""
    return np.cumsum(mask) - 1


def write_bfm09(folder, truth: Bfm09Truth | None = None) -> Bfm09Truth:
    """Writes all files that the 2009 model is built from."""
    truth = truth or bfm09_truth()
    io.savemat(folder / "01_MorphableModel.mat", truth.basel)
    with open(folder / "Exp_Pca.bin", "wb") as file:
        file.write(np.array(len(truth.expression_modes), "<i4").tobytes())
        # The mean offset, which must not be used.
        file.write(np.full(truth.expression_modes.shape[1], 1e6, "<f4").tobytes())
        file.write(truth.expression_modes.astype("<f4").tobytes())
    scales = " ".join(f"{scale:.6g}" for scale in truth.expression_scales)
    (folder / "std_exp.txt").write_text(scales)
    trim = (truth.in_basel + 1).astype(np.uint16)[:, None]
    io.savemat(folder / "BFM_exp_idx.mat", {"trimIndex": trim})
    kept = (truth.front + 1).astype(np.float32)[:, None]
    io.savemat(folder / "BFM_front_idx.mat", {"idx": kept}, do_compression=True)
    io.savemat(folder / "facemodel_info.mat", truth.info, do_compression=True)
    truth.expression_scales = np.array([float(word) for word in scales.split()])
    return truth


def bfm17_truth(seed=0, counts=(19, 10, 19)) -> dict:
    """Data sets by name, with modes of unit length, as in the files of 2017 and 2019."""
    rng = np.random.default_rng(seed)
    mesh = made_up_mesh()
    size = 3 * len(mesh.vertices)
    truth = {"shape/representer/cells": mesh.triangles.T.astype(np.int32)}
    means = (100 * mesh.vertices + [1, -10, 70], rng.normal(0, 5, (size // 3, 3)))
    means += (rng.uniform(0.1, 0.9, (size // 3, 3)),)
    for group, count, mean in zip(("shape", "expression", "color"), counts, means, strict=True):
        basis = np.linalg.qr(rng.standard_normal((size, count)))[0]
        truth[f"{group}/model/mean"] = mean.ravel().astype(np.float32)
        truth[f"{group}/model/pcaBasis"] = basis.astype(np.float32)
        variance = np.sort(rng.uniform(1, 1e5, count))[::-1]
        truth[f"{group}/model/pcaVariance"] = variance.astype(np.float32)
        truth[f"{group}/model/noiseVariance"] = np.zeros(1, np.float32)
    points = truth["shape/model/mean"].reshape(-1, 3)[mesh.landmarks].astype(float)
    entries = [{"id": name, "coordinates": points[n].tolist()} for name, n in NAMED.items()]
    entries.append({"id": "left.ear.tragus.tip", "coordinates": [74.0, 5.0, 14.0]})
    truth["metadata/landmarks/json"] = json.dumps(entries)
    return truth


def write_bfm17(path, truth: dict | None = None) -> dict:
    """Writes an HDF5 file of the 2017 and 2019 layout; `None` values are left out."""
    truth = bfm17_truth() if truth is None else truth
    with h5py.File(path, "w") as file:
        for name, value in truth.items():
            if value is not None:
                file[name] = value
    return truth
