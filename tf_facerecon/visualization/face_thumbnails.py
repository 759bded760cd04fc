"""Small pictures of the faces of a 3DMM, all taken by one camera.

Convention:
    The camera stands at the distance of the package's camera; its focal length is such that the
    mean face fills a tile from all sides. Tiles are RGB in [0, 1] on light paper.
"""

import dataclasses

import numpy as np

from tf_facerecon.geometry import camera as cameras
from tf_facerecon.geometry import mesh_normals
from tf_facerecon.morphable_models.morphable_model import MorphableModel
from tf_facerecon.visualization import crop_window, mesh_views

TILE_SIZE = 224
PAPER = 0.94
SUPERSAMPLING = 2
_FILLED = 0.46  # Of a tile, from its middle to the farthest point of the mean face.


@dataclasses.dataclass(frozen=True, eq=False)
class ThumbnailRenderer:
    """Draws faces of one model.

    Attributes:
        model: The face model.
        camera: Of a tile of `TILE_SIZE` pixels.
        centre: `[3]` middle of the mean face, which comes to lie in the middle of a tile.
        incidence: Of `mesh_normals.vertex_incidence`.
    """

    model: MorphableModel
    camera: cameras.PerspectiveCamera
    centre: np.ndarray
    incidence: mesh_normals.VertexIncidence

    @classmethod
    def for_model(cls, model: MorphableModel) -> "ThumbnailRenderer":
        """Sets the camera so that the mean face fills a tile, however it is turned."""
        shape = model.mean_shape.astype(np.float64)
        centre = (shape.min(axis=0) + shape.max(axis=0)) / 2
        across, height, depth = np.abs(shape - centre).T
        camera = cameras.PerspectiveCamera(image_size=TILE_SIZE)
        reach = max(height.max(), np.hypot(across, depth).max())
        focal = _FILLED * TILE_SIZE * (camera.distance - depth.max()) / reach
        return cls(
            model,
            dataclasses.replace(camera, focal=float(focal)),
            centre,
            mesh_normals.vertex_incidence(model.triangles, model.num_vertices),
        )

    def normals(self, vertices: np.ndarray) -> np.ndarray:
        """Unit normals `[V, 3]`."""
        return mesh_normals.vertex_normals(vertices, self.model.triangles, self.incidence).numpy()

    def draw(
        self,
        vertices: np.ndarray,
        colours: np.ndarray,
        size: int = TILE_SIZE,
        supersampling: int = SUPERSAMPLING,
    ) -> np.ndarray:
        """A tile `[size, size, 3]` in [0, 1] of vertices `[V, 3]` with colours `[V, 3]`."""
        drawn, mask = mesh_views.render_window(
            vertices - self.centre, self.model.triangles, colours, self.camera, size * supersampling
        )
        layer = np.concatenate([drawn, mask[..., None]], axis=-1)
        layer = crop_window.resize(layer, (size, size))
        return layer[..., :3] + (1.0 - layer[..., 3:]) * PAPER

    def clay(self, vertices: np.ndarray, degrees: float = 0.0) -> np.ndarray:
        """The shape alone."""
        vertices, normals = mesh_views.turned(vertices, self.normals(vertices), degrees)
        return self.draw(vertices, mesh_views.clay_colours(normals))

    def lit(self, vertices: np.ndarray, albedo: np.ndarray, degrees: float = 0.0) -> np.ndarray:
        """Shape and colour under the light of the clay."""
        vertices, normals = mesh_views.turned(vertices, self.normals(vertices), degrees)
        white = np.array([[0.0, 0.0, 1.0]])
        light = mesh_views.clay_colours(normals) / mesh_views.clay_colours(white)
        return self.draw(vertices, np.clip(albedo * light, 0.0, 1.0))
