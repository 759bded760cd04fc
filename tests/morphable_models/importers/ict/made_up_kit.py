"""A kit of a thousand vertices in the layout of ICT-FaceKit: OBJ meshes and an index file."""

import dataclasses
import json
import pathlib

import numpy as np

from tf_facerecon.morphable_models.importers.ict import ict_parts
from tf_facerecon.morphable_models.parameterization import face_domain
from tf_facerecon.morphable_models.procedural import mean_face

EXPRESSIONS = ("browDown_L", "jawOpen", "mouthClose")
NUM_IDENTITIES = 6
_ROWS, _COLUMNS = 41, 33
_OFFSET = np.array([0.0, 1.5, 8.0])  # cm: the kit's origin lies inside the head.


@dataclasses.dataclass(frozen=True)
class Kit:
    """Arrays of the kit, centimetres; `polygons` rows of (vertex, texture) corners and material."""

    vertices: np.ndarray
    uv: np.ndarray
    polygons: list
    identity: np.ndarray
    expression: np.ndarray
    landmarks: np.ndarray
    layout: ict_parts.IctLayout

    def shapes(self) -> dict[str, np.ndarray]:
        """Vertices by file name."""
        files = {"generic_neutral_mesh.obj": self.vertices}
        for number, mode in enumerate(self.identity):
            files[f"identity{number:03d}.obj"] = self.vertices + mode
        for name, mode in zip(EXPRESSIONS, self.expression, strict=True):
            files[f"{name}.obj"] = self.vertices + mode
        return files

    def write(self, folder: pathlib.Path) -> pathlib.Path:
        """Writes the files into `folder / "FaceXModel"`, returns `folder`."""
        home = folder / "FaceXModel"
        home.mkdir(parents=True)
        for name, vertices in self.shapes().items():
            (home / name).write_text(self._obj(vertices), encoding="ascii")
        (home / "cheekRaiser_L.obj").write_text(self._obj(self.vertices), encoding="ascii")
        index = {"expressions": EXPRESSIONS, "idx_to_landmark_verts": self.landmarks.tolist()}
        (home / "vertex_indices.json").write_text(json.dumps(index), encoding="ascii")
        return folder

    def _obj(self, vertices):
        lines = ["# made up", "mtllib none.mtl"]
        lines += ["v {:.6f} {:.6f} {:.6f}".format(*row) for row in vertices]
        lines += ["vt {:.6f} {:.6f}".format(*row) for row in self.uv]
        material = None
        for corners, name in self.polygons:
            if name != material:
                lines.append(f"usemtl {name}")
                material = name
            lines.append("f " + " ".join(f"{v + 1}/{t + 1}" for v, t in corners))
        return "\n".join([*lines, ""])


class _Builder:
    def __init__(self):
        self.vertices, self.uv, self.polygons = [], [], []

    def patch(self, points, material, tile):
        """Adds a grid `[R, C, 3]` (row 0 on top); returns its range of vertices."""
        rows, columns = points.shape[:2]
        first = sum(len(part) for part in self.vertices)
        index = first + np.arange(rows * columns).reshape(rows, columns)
        self.vertices.append(points.reshape(-1, 3))
        u, v = np.meshgrid(np.linspace(0.05, 0.95, columns), np.linspace(0.95, 0.05, rows))
        self.uv.append(np.stack([u + tile, v], axis=-1).reshape(-1, 2))
        for r in range(rows - 1):
            for c in range(columns - 1):
                quad = index[r, c], index[r + 1, c], index[r + 1, c + 1], index[r, c + 1]
                self.polygons.append(([(k, k) for k in quad], material))
        return first, first + rows * columns


def _plate(x, y, z, shape=(3, 5)):
    column, row = np.meshgrid(np.linspace(*x, shape[1]), np.linspace(*y, shape[0]))
    return np.stack([column, row, np.full_like(row, z)], axis=-1)


def _ball(centre, radius=1.3, shape=(8, 11)):
    across, down = np.meshgrid(np.linspace(-1.4, 1.4, shape[1]), np.linspace(1.3, -1.3, shape[0]))
    offset = [np.sin(across) * np.cos(down), np.sin(down), np.cos(across) * np.cos(down)]
    return np.asarray(centre) + radius * np.stack(offset, axis=-1)


def _skin():
    s, t = np.meshgrid(np.linspace(-1.2, 1.2, _COLUMNS), np.linspace(0.92, -0.95, _ROWS))
    positions = mean_face.surface(s.ravel(), t.ravel())
    return 10.0 * positions.reshape(_ROWS, _COLUMNS, 3) + _OFFSET


def build_kit() -> Kit:
    """The kit's arrays; always the same."""
    builder = _Builder()
    skin = _skin()
    narrow = builder.patch(skin, "M_Face", 0.0)
    crown = builder.patch(_plate((-4, 4), (13, 11), 5.0), "M_Face", 0.0)
    neck = builder.patch(_plate((-4, 4), (-9, -12), 2.0), "M_BackHead", 1.0)
    mouth = builder.patch(_plate((-3, 3), (-1, -4), 7.0), "M_BackHead", 1.0)
    sockets = builder.patch(_plate((-4, 4), (6, 3), 5.0), "M_BackHead", 1.0)
    gums = builder.patch(_plate((-2, 2), (-1, -3), 9.0), "M_GumsTongue", 2.0)
    teeth = builder.patch(_plate((-2, 2), (-1.5, -2.5), 10.0), "M_Teeth", 3.0)
    left = builder.patch(_ball((3.1, 4.4, 8.4)), "M_ScleraLeft", 0.0)
    builder.patch(_ball((3.1, 4.4, 8.4), 1.1), "M_IrisLeft", 0.0)
    right = builder.patch(_ball((-3.1, 4.4, 8.4)), "M_ScleraRight", 0.0)
    builder.patch(_ball((-3.1, 4.4, 8.4), 1.1), "M_IrisRight", 0.0)
    builder.patch(_plate((-4, 4), (5, 4), 11.0), "M_EyeLashes", 6.0)
    vertices = np.concatenate(builder.vertices).round(6)
    uv = np.concatenate([*builder.uv, [[0.5, 0.5]]])
    # A seam: in the first polygon its third corner has another texture coordinate.
    corners, material = builder.polygons[0]
    seam = corners[2][0], len(uv) - 1
    builder.polygons[0] = ([*corners[:2], seam, corners[3]], material)
    layout = ict_parts.IctLayout(
        num_vertices=len(vertices),
        num_identities=NUM_IDENTITIES,
        narrow_face=narrow,
        face=(0, crown[1]),
        head=(0, neck[1]),
        mouth=mouth,
        eye_sockets=sockets,
        gums=gums,
        teeth=teeth,
        eyeballs=(left, right),
    )
    template = 10.0 * face_domain.landmark_template() + _OFFSET
    distance = np.linalg.norm(skin.reshape(-1, 1, 3) - template, axis=-1)
    identity, expression = _modes(vertices)
    landmarks = distance.argmin(axis=0)
    return Kit(vertices, uv, builder.polygons, identity, expression, landmarks, layout)


def _modes(vertices):
    """Smooth movements; each identity also shifts, and the first one mostly scales."""
    rng = np.random.default_rng(5)
    waves = rng.normal(size=(NUM_IDENTITIES + len(EXPRESSIONS), 3)) / 6.0
    phase = np.sin(vertices @ waves.T + 1.0).T[..., None]
    modes = (
        phase
        * rng.normal(size=(len(waves), 1, 3))
        * np.linspace(0.3, 0.1, len(waves))[:, None, None]
    )
    modes[:NUM_IDENTITIES] += 0.1
    modes[0] += 0.05 * vertices
    modes = modes.round(6)
    return modes[:NUM_IDENTITIES], modes[NUM_IDENTITIES:]
