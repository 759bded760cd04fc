"""Coefficients to a posed, lit, rendered face.

The decoder is made of layers that can be used alone and holds no arithmetic of its own: the 3DMM
(`MorphableFace`), pose (`PoseTransform`), camera (`PerspectiveProjection`, `ClipSpaceProjection`),
normals (`VertexNormals`), light (`SphericalHarmonicsIllumination`) and rasterizer (`MeshRenderer`).
"""

import dataclasses
from typing import TYPE_CHECKING

import keras
import numpy as np
import tensorflow as tf

from tf_facerecon.geometry import camera as cameras
from tf_facerecon.geometry.face_landmarks import five_points_from_landmarks
from tf_facerecon.layers import float32_layer
from tf_facerecon.layers.contour_landmarks import ContourLandmarks
from tf_facerecon.layers.mesh_renderer import MeshRenderer
from tf_facerecon.layers.morphable_face import MorphableFace
from tf_facerecon.layers.perspective_projection import (
    ClipSpaceProjection,
    PerspectiveProjection,
    resolve_camera,
)
from tf_facerecon.layers.pose_transform import PoseTransform
from tf_facerecon.layers.spherical_harmonics_illumination import SphericalHarmonicsIllumination
from tf_facerecon.layers.vertex_normals import VertexNormals
from tf_facerecon.morphable_models import face_region, morphable_model
from tf_facerecon.morphable_models.coefficients import CoefficientLayout

JAWS = ("fixed", "contour")


@keras.saving.register_keras_serializable(package="tf_facerecon")
class FaceDecoder(float32_layer.Float32Layer):
    """Coefficients `[B, 257]` (or 239) to geometry, colours, landmarks and image.

    It computes in float32 whatever `dtype` or global policy says.

    Args:
        face_model: `MorphableModel`, or a name for `MorphableModel.from_preset`.
        num_lighting: 27 for RGB light, 9 for the paper's white light.
        camera: `PerspectiveCamera`, or its fields as a dict; Deng's by default (focal 1015, 224
            pixels, 10 dm).
        fingerprint: Expected fingerprint of the face model; set by a saved configuration.
        renderer_backend: "native" or "tensorflow_graphics", see `MeshRenderer`.
        misnumbered_region: Whether `region_mask` is that of Deep3DFaceRecon_pytorch, whose region
            consists of wrong triangles, see `morphable_models.face_region`.
        jaw: Where landmarks 0-16 lie: "fixed" at their vertices, as 3D labels, or on the visible
            "contour" of the turned face, as 2D labels, see `ContourLandmarks`.

    Call arguments:
        coefficients: Float tensor `[B, layout.total]`.
        render: Whether to render the image too; geometry alone is many times cheaper.
        triangle_ids: Int32 `[B, H, W]`, known visible triangles, see `visible_triangles`; by
            default they are found anew, which is most of the work.

    Returns:
        A dict with `shape` `[B, V, 3]` (model frame, before the pose), `vertices` `[B, V, 3]`
        (world, dm), `albedo` `[B, V, 3]` (RGB, not clamped), `landmarks` `[B, 68, 2]` and
        `five_points` `[B, 5, 2]` (column, row; pixels). With `render` also `normals` `[B, V, 3]`
        (world, unit), `colours` `[B, V, 3]` (lit albedo, not clamped), `image` `[B, H, W, 3]`
        (black outside), `mask` `[B, H, W, 1]` (where the face is) and `region_mask`
        `[B, H, W, 1]` (where its `face_region` is), both 0 or 1 and without gradient.

    Raises:
        ValueError: If the coefficients have another shape or dtype, `camera` is no camera, or there
            is no such backend or `jaw`.
        ImportError: If the backend is "tensorflow_graphics", which cannot be imported.
    """

    def __init__(
        self,
        face_model: morphable_model.MorphableModel | str = morphable_model.DEFAULT,
        num_lighting: int = 27,
        camera: cameras.PerspectiveCamera | dict | None = None,
        fingerprint: str | None = None,
        renderer_backend: str = "native",
        misnumbered_region: bool = False,
        jaw: str = "fixed",
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.morphable_face = MorphableFace(face_model, fingerprint)
        model = self.morphable_face.face_model
        self.layout = CoefficientLayout(
            identity=model.identity_basis.shape[-1],
            expression=model.expression_basis.shape[-1],
            texture=model.albedo_basis.shape[-1],
            lighting=num_lighting,
        )
        self.camera = resolve_camera(camera)
        self.pose_transform = PoseTransform()
        self.projection = PerspectiveProjection(self.camera)
        self.clip_projection = ClipSpaceProjection(self.camera)
        self.vertex_normals = VertexNormals(model.triangles)
        self.illumination = SphericalHarmonicsIllumination()
        self.renderer = MeshRenderer(
            model.triangles,
            (self.camera.image_size,) * 2,
            backend=renderer_backend,
            return_depth=False,
        )
        self._landmark_indices = float32_layer.constant(model.landmarks)
        if jaw not in JAWS:
            raise ValueError(f"`jaw` must be one of {JAWS}. Received: {jaw!r}.")
        self.jaw = jaw
        self.contour_landmarks = ContourLandmarks(model, self.camera) if jaw == "contour" else None
        in_region = face_region.is_region_triangle(model.triangles, model.face_region)
        self._triangle_in_region = float32_layer.constant(in_region.astype(np.float32))
        self.misnumbered_region = misnumbered_region
        self._region_renderer = None
        if misnumbered_region:
            self._region_renderer = MeshRenderer(
                face_region.misnumbered_region_triangles(model.triangles, model.face_region),
                (self.camera.image_size,) * 2,
            )

    @property
    def face_model(self) -> morphable_model.MorphableModel:
        """The 3DMM behind this decoder."""
        return self.morphable_face.face_model

    def build(self, coefficients_shape):
        """Builds the layers that the decoder is made of."""
        self._check_shapes(coefficients_shape)
        batch_size, model = coefficients_shape[0], self.face_model
        groups = {name: (batch_size, width) for name, width in self.layout.sizes.items()}
        vertices = (batch_size, model.num_vertices, 3)
        self.morphable_face.build(groups["identity"], groups["expression"], groups["texture"])
        self.pose_transform.build(vertices, groups["rotation"], groups["translation"])
        self.projection.build((batch_size, len(model.landmarks), 3))
        if self.contour_landmarks is not None:
            self.contour_landmarks.build(vertices, groups["rotation"])
        self.vertex_normals.build(vertices)
        self.illumination.build(vertices, vertices, groups["lighting"])
        self.clip_projection.build(vertices)
        self.renderer.build((batch_size, model.num_vertices, 4), vertices)
        self.built = True

    def call(
        self,
        coefficients: tf.Tensor,
        render: bool = True,
        triangle_ids: tf.Tensor | None = None,
    ) -> dict[str, tf.Tensor]:
        self._check_shapes(coefficients.shape)
        groups = self.layout.split(coefficients)
        shape, albedo = self.morphable_face(
            groups["identity"], groups["expression"], groups["texture"]
        )
        vertices = self.pose_transform(shape, groups["rotation"], groups["translation"])
        landmarks = self.projection(tf.gather(vertices, self._landmark_indices, axis=1))
        if self.contour_landmarks is not None:
            jaw = self.contour_landmarks(vertices, groups["rotation"])
            landmarks = tf.concat([jaw, landmarks[:, jaw.shape[1] :]], axis=1)
        decoded = {
            "shape": shape,
            "albedo": albedo,
            "vertices": vertices,
            "landmarks": landmarks,
            "five_points": five_points_from_landmarks(landmarks),
        }
        if not render:
            return decoded
        # Of the shape, rotated: normals of posed vertices are the same but for one more rounding.
        normals = self.pose_transform(self.vertex_normals(shape), groups["rotation"])
        colours = self.illumination(albedo, normals, groups["lighting"])
        return {
            **decoded,
            "normals": normals,
            "colours": colours,
            **self.render_vertices(vertices, colours, triangle_ids),
        }

    if TYPE_CHECKING:
        __call__ = call  # Keras is untyped: a layer is called with the signature of `call`.

    def visible_triangles(self, coefficients):
        """Nearest triangle at each pixel of the face: `[B, H, W]` int32, -1 in the background."""
        vertices = self(coefficients, render=False)["vertices"]
        return self.renderer.visible_triangles(self.clip_projection(vertices))

    def render_vertices(self, vertices, colours, triangle_ids=None):
        """Renders world `vertices` `[B, V, 3]` with any per-vertex `colours` `[B, V, C]`.

        Args:
            vertices: World frame, decimetres.
            colours: Per-vertex attributes.
            triangle_ids: As for a call.

        Returns:
            A dict with `image` `[B, H, W, C]`, `mask` and `region_mask` `[B, H, W, 1]`.
        """
        clip_vertices = self.clip_projection(vertices)
        rendered = self.renderer(clip_vertices, colours, triangle_ids)
        if self._region_renderer is None:
            triangle = tf.maximum(rendered["triangle_ids"], 0)
            region = tf.gather(self._triangle_in_region, triangle)[..., None] * rendered["mask"]
        else:
            triangle = self._region_renderer.visible_triangles(clip_vertices)
            region = tf.cast(triangle >= 0, tf.float32)[..., None]
        return {
            "image": rendered["attributes"],
            "mask": rendered["mask"],
            "region_mask": region,
        }

    def compute_output_spec(self, coefficients, render=True, triangle_ids=None):
        """The same dict of symbolic tensors."""
        self._check_shapes(coefficients.shape)
        model, size = self.face_model, self.camera.image_size
        per_vertex = (model.num_vertices, 3)
        shapes = {
            "shape": per_vertex,
            "albedo": per_vertex,
            "vertices": per_vertex,
            "landmarks": (len(model.landmarks), 2),
            "five_points": (5, 2),
        }
        if render:
            shapes |= {
                "normals": per_vertex,
                "colours": per_vertex,
                "image": (size, size, 3),
                "mask": (size, size, 1),
                "region_mask": (size, size, 1),
            }
        batch_size = coefficients.shape[0]
        return {
            name: keras.KerasTensor((batch_size, *shape), "float32")
            for name, shape in shapes.items()
        }

    def _check_shapes(self, coefficients_shape):
        float32_layer.check_static_shape(
            "coefficients", coefficients_shape, (None, self.layout.total)
        )

    def get_config(self):
        """All constructor arguments."""
        return {
            **super().get_config(),
            "face_model": self.face_model.name,
            "num_lighting": self.layout.lighting,
            "camera": dataclasses.asdict(self.camera),
            "fingerprint": self.face_model.fingerprint,
            "renderer_backend": self.renderer.backend,
            "misnumbered_region": self.misnumbered_region,
            "jaw": self.jaw,
        }
