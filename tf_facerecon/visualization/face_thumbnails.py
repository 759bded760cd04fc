"""Thumbnails of faces of a 3DMM, all rendered by the same camera.

Convention:
    The camera has the distance of `PerspectiveCamera`'s default; its focal length is chosen so that
    the mean face fills a tile at any yaw. Tiles are RGB in [0, 1] on a light grey background.
"""

import dataclasses

import numpy as np

from tf_facerecon.geometry import camera as cameras
from tf_facerecon.geometry import mesh_normals
from tf_facerecon.morphable_models.morphable_model import MorphableModel
from tf_facerecon.visualization import crop_resampling, mesh_rendering

TILE_SIZE = 224
BACKGROUND = 0.94
SUPERSAMPLING = 2
_FILL = 0.46  # Fraction of a tile from its centre to the farthest point of the mean face.


@dataclasses.dataclass(frozen=True, eq=False)
class ThumbnailRenderer:
    """Renders faces of one 3DMM.

    Attributes:
        model: The 3DMM.
        camera: Camera of a tile of `TILE_SIZE` pixels.
        centre: `[3]` centre of the mean face's bounding box, rendered at the centre of a tile.
        incidence: `mesh_normals.vertex_incidence` of the model's triangles.
    """

    model: MorphableModel
    camera: cameras.PerspectiveCamera
    centre: np.ndarray
    incidence: mesh_normals.VertexIncidence

    @classmethod
    def for_model(cls, model: MorphableModel) -> "ThumbnailRenderer":
        """Chooses the camera so that the mean face fills a tile at any yaw."""
        shape = model.mean_shape.astype(np.float64)
        centre = (shape.min(axis=0) + shape.max(axis=0)) / 2
        across, height, depth = np.abs(shape - centre).T
        camera = cameras.PerspectiveCamera(image_size=TILE_SIZE)
        reach = max(height.max(), np.hypot(across, depth).max())
        focal = _FILL * TILE_SIZE * (camera.distance - depth.max()) / reach
        return cls(
            model,
            dataclasses.replace(camera, focal=float(focal)),
            centre,
            mesh_normals.vertex_incidence(model.triangles, model.num_vertices),
        )

    def normals(self, vertices: np.ndarray) -> np.ndarray:
        """Unit vertex normals `[V, 3]` of `vertices` `[V, 3]`."""
        return mesh_normals.vertex_normals(vertices, self.model.triangles, self.incidence).numpy()

    def render(
        self,
        vertices: np.ndarray,
        colours: np.ndarray,
        size: int = TILE_SIZE,
        supersampling: int = SUPERSAMPLING,
    ) -> np.ndarray:
        """Renders `vertices` `[V, 3]` with `colours` `[V, 3]`, unshaded: `[size, size, 3]` RGB."""
        rendered, mask = mesh_rendering.render_attributes(
            vertices - self.centre, self.model.triangles, colours, self.camera, size * supersampling
        )
        layer = np.concatenate([rendered, mask[..., None]], axis=-1)
        layer = crop_resampling.resize(layer, (size, size))
        return layer[..., :3] + (1.0 - layer[..., 3:]) * BACKGROUND

    def render_clay(self, vertices: np.ndarray, degrees: float = 0.0) -> np.ndarray:
        """Renders the shape as a shaded grey surface, rotated by a yaw of `degrees`."""
        vertices, normals = mesh_rendering.rotate_yaw(vertices, self.normals(vertices), degrees)
        return self.render(vertices, mesh_rendering.clay_colours(normals))

    def render_lit(
        self, vertices: np.ndarray, albedo: np.ndarray, degrees: float = 0.0
    ) -> np.ndarray:
        """Renders shape and `albedo` `[V, 3]` under the lights of `render_clay`."""
        vertices, normals = mesh_rendering.rotate_yaw(vertices, self.normals(vertices), degrees)
        frontal = np.array([[0.0, 0.0, 1.0]])
        shading = mesh_rendering.clay_colours(normals) / mesh_rendering.clay_colours(frontal)
        return self.render(vertices, np.clip(albedo * shading, 0.0, 1.0))
