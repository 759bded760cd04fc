"""Coefficients to a posed, lit, rendered face.

3DMM, pose, spherical-harmonics light, camera, rasterizer: this file holds no arithmetic of its own;
each step is one function of a lower floor.
"""

import dataclasses

import keras
import numpy as np
import tensorflow as tf

from tf_facerecon.core import checks
from tf_facerecon.geometry import camera as cameras
from tf_facerecon.geometry import mesh_normals, rigid_transforms, rotations
from tf_facerecon.geometry.face_landmarks import five_points_from_landmarks
from tf_facerecon.layers.morphable_face import MorphableFace
from tf_facerecon.lighting import lambertian_shading
from tf_facerecon.morphable_models import morphable_model
from tf_facerecon.morphable_models.coefficients import CoefficientLayout
from tf_facerecon.rendering import per_image, rasterizer


@keras.saving.register_keras_serializable(package="tf_facerecon")
class FaceDecoder(keras.layers.Layer):
    """Coefficients `[B, 257]` (or 239) to geometry, colours, landmarks and picture.

    It computes in float32 whatever `dtype` or global policy says.

    Args:
        face_model: `MorphableModel`, or a name for `MorphableModel.from_preset`.
        num_lighting: 27 for RGB light, 9 for the paper's white light.
        camera: `PerspectiveCamera`, or its fields as a dict; Deng's by default (focal 1015, 224
            pixels, 10 dm).
        fingerprint: Expected fingerprint of the face model; set by a saved configuration.

    Call arguments:
        coefficients: Float tensor `[B, layout.total]`.
        render: Whether to make the picture too; geometry alone is many times cheaper.

    Returns:
        A dict with `shape` `[B, V, 3]` (model frame, before the pose), `vertices` `[B, V, 3]`
        (world, dm), `albedo` `[B, V, 3]` (RGB, not clamped), `landmarks` `[B, 68, 2]` and
        `five_points` `[B, 5, 2]` (column, row; pixels). With `render` also `normals` `[B, V, 3]`
        (world, unit), `colours` `[B, V, 3]` (lit albedo, not clamped), `image` `[B, H, W, 3]`
        (black outside), `mask` `[B, H, W, 1]` (where the face is) and `region_mask`
        `[B, H, W, 1]` (where its `face_region` is), both 0 or 1 and without gradient.

    Raises:
        ValueError: If the coefficients have another width than `layout.total`.
    """

    def __init__(
        self,
        face_model: morphable_model.MorphableModel | str = "procedural",
        num_lighting: int = 27,
        camera: cameras.PerspectiveCamera | dict | None = None,
        fingerprint: str | None = None,
        **kwargs,
    ):
        # Half precision cannot hold the position of a vertex or a landmark.
        super().__init__(**{"trainable": False, **kwargs, "dtype": "float32"})
        self.morphable_face = MorphableFace(face_model, fingerprint)
        model = self.morphable_face.face_model
        self.layout = CoefficientLayout(
            identity=model.identity_basis.shape[-1],
            expression=model.expression_basis.shape[-1],
            texture=model.albedo_basis.shape[-1],
            lighting=num_lighting,
        )
        if isinstance(camera, dict):
            camera = cameras.PerspectiveCamera(**camera)
        self.camera = camera or cameras.PerspectiveCamera()
        self._triangles = tf.constant(model.triangles)
        incidence = mesh_normals.vertex_incidence(model.triangles, model.num_vertices)
        self._incidence = tf.nest.map_structure(tf.constant, incidence)
        self._landmark_indices = tf.constant(model.landmarks)
        in_region = (model.face_region[model.triangles] > 0.5).all(axis=-1)
        self._triangle_in_region = tf.constant(in_region.astype(np.float32))

    @property
    def face_model(self) -> morphable_model.MorphableModel:
        """The 3DMM behind this decoder."""
        return self.morphable_face.face_model

    def call(self, coefficients, render=True):
        checks.check_shape("coefficients", coefficients, (None, self.layout.total))
        groups = self.layout.split(coefficients)
        shape, albedo = self.morphable_face(
            groups["identity"], groups["expression"], groups["texture"]
        )
        decoded = {"shape": shape, "albedo": albedo, **self.place(shape, groups)}
        if not render:
            return decoded
        decoded.update(self.light(shape, albedo, groups))
        decoded.update(self.draw(decoded["vertices"], decoded["colours"]))
        return decoded

    def place(self, shape, groups):
        """Poses `shape` `[B, V, 3]` and projects its landmarks."""
        rotation = rotations.rotation_matrix_from_euler(groups["rotation"])
        vertices = rigid_transforms.rigid_transform(shape, rotation, groups["translation"])
        landmarks = cameras.project(
            tf.gather(vertices, self._landmark_indices, axis=1), self.camera
        )
        five_points = five_points_from_landmarks(landmarks)
        return {"vertices": vertices, "landmarks": landmarks, "five_points": five_points}

    def light(self, shape, albedo, groups):
        """Normals and lit colours `[B, V, 3]` of a `shape` and its `albedo` `[B, V, 3]`."""
        normals, colours = _light_images(
            (shape, albedo, groups["rotation"], groups["lighting"]),
            shared=(self._triangles, self._incidence),
        )
        return {"normals": normals, "colours": colours}

    def draw(self, vertices, colours):
        """Pictures world `vertices` `[B, V, 3]` with any per-vertex `colours` `[B, V, C]`."""
        size = self.camera.image_size
        rasterized = rasterizer.rasterize(
            cameras.to_clip_space(vertices, self.camera), self._triangles, colours, (size, size)
        )
        triangle = tf.maximum(rasterized.triangle_ids, 0)
        region = tf.gather(self._triangle_in_region, triangle)[..., None] * rasterized.mask
        return {"image": rasterized.attributes, "mask": rasterized.mask, "region_mask": region}

    def get_config(self):
        return {
            **super().get_config(),
            "face_model": self.face_model.name,
            "num_lighting": self.layout.lighting,
            "camera": dataclasses.asdict(self.camera),
            "fingerprint": self.face_model.fingerprint,
        }


def _light_image(shape, albedo, rotation, lighting, triangles, incidence):
    """One image of `FaceDecoder.light`."""
    # The released code takes normals of the shape at rest and turns them, which is the same.
    normals = mesh_normals.vertex_normals(shape, triangles, incidence)
    normals = rigid_transforms.rotate(normals, rotations.rotation_matrix_from_euler(rotation))
    return normals, lambertian_shading.shade(albedo, normals, lighting)


_light_images = per_image.PerImageFunction(_light_image, num_differentiable=4, num_results=2)
