"""What is known of one face of one photograph: coefficients, pose, camera, meshes, landmarks.

Convention:
    World and model frames: x to the image's right, y up, z towards the camera; decimetres. The
    camera stands at (0, 0, 10) and looks along -z. Crop: the aligned 224 x 224 picture; photo: the
    picture as it was given. Points are `(column, row)` pixels, row down. All arrays are NumPy's.
"""

import dataclasses
import pathlib

import numpy as np

from tf_facerecon.geometry import camera as cameras
from tf_facerecon.geometry import rigid_transforms, rotations
from tf_facerecon.photos.face_alignment import CropTransform


@dataclasses.dataclass(frozen=True)
class RefinementReport:
    """What a refinement changed.

    Attributes:
        steps: Gradient steps taken.
        photometric_before: Mean RGB distance over `photometric_error.photometric_region`, at the
            start; NaN when the photograph shows no skin there.
        photometric_after: The same at the end.
        point_error_before: Mean distance of the points, as a fraction of the distance between the
            eyes, at the start.
        point_error_after: The same at the end.
    """

    steps: int
    photometric_before: float
    photometric_after: float
    point_error_before: float
    point_error_after: float


@dataclasses.dataclass(frozen=True, eq=False)
class FittedFace:
    """One face of one photograph; V vertices, T triangles.

    Attributes:
        source: File name of the photograph, or what the caller called it.
        photo: `[height, width, 3]` uint8 RGB, the whole photograph.
        box: `[4]` x, y, width, height of the detected face in the photo, pixels.
        confidence: Of the detector, 0 to 1; `None` when the caller gave the points.
        crop: `[224, 224, 3]` uint8 RGB, what the network saw.
        crop_transform: Between pixels of photo and crop.
        coefficients: Named groups: identity, expression, texture (standard deviations), rotation
            (Euler x, y, z, radians), lighting (nine harmonics for R, G, B, or nine for white
            light), translation (decimetres).
        camera: The camera of the crop.
        vertices: `[V, 3]` world, posed and with expression.
        normals: `[V, 3]` world, unit, outward.
        neutral_vertices: `[V, 3]` model frame: identity alone, no expression and no pose.
        triangles: `[T, 3]` int32, counter-clockwise from outside.
        uv: `[U, 2]` texture coordinates, v up.
        uv_triangles: `[T, 3]` int32, rows of `uv` at the corners of `triangles`; the triangles
            themselves for textures without seams.
        albedo: `[V, 3]` RGB without light, about 0 to 1, not clamped.
        colours: `[V, 3]` RGB with light, not clamped.
        landmarks: `[68, 2]` iBUG points of the mesh, crop pixels.
        five_points: `[5, 2]` eye centres, nose tip, mouth corners of the mesh, crop pixels.
        found_points: `[5, 2]` or `[68, 2]` points that were detected or given, photo pixels.
        image: `[224, 224, 3]` rendered face, black outside.
        mask: `[224, 224]` 1 where the rendered face is, else 0.
        face_model: Name of the 3DMM.
        face_model_fingerprint: Its sha256.
        refinement: What refinement changed; `None` for the network's plain answer.
        source_path: File of the photograph, which saving never overwrites; `None` for an array.
    """

    source: str
    photo: np.ndarray
    box: np.ndarray
    confidence: float | None
    crop: np.ndarray
    crop_transform: CropTransform
    coefficients: dict[str, np.ndarray]
    camera: cameras.PerspectiveCamera
    vertices: np.ndarray
    normals: np.ndarray
    neutral_vertices: np.ndarray
    triangles: np.ndarray
    uv: np.ndarray
    uv_triangles: np.ndarray
    albedo: np.ndarray
    colours: np.ndarray
    landmarks: np.ndarray
    five_points: np.ndarray
    found_points: np.ndarray
    image: np.ndarray
    mask: np.ndarray
    face_model: str
    face_model_fingerprint: str
    refinement: RefinementReport | None = None
    source_path: pathlib.Path | None = None

    @property
    def rotation_matrix(self) -> np.ndarray:
        """`[3, 3]`, R = Rz · Ry · Rx, model to world."""
        angles = np.asarray(self.coefficients["rotation"], np.float64)
        return rotations.rotation_matrix_from_euler(angles).numpy()

    @property
    def rotation_degrees(self) -> np.ndarray:
        """`[3]` pitch (positive looks down), yaw (positive turns to image right), roll; degrees."""
        return np.degrees(np.asarray(self.coefficients["rotation"], np.float64))

    @property
    def pose(self) -> np.ndarray:
        """`[4, 4]` model frame to world: `[[R, t], [0, 1]]`, decimetres."""
        translation = np.asarray(self.coefficients["translation"], np.float64)
        return rigid_transforms.pose_matrix(self.rotation_matrix, translation).numpy()

    @property
    def intrinsics(self) -> np.ndarray:
        """`[3, 3]` K of the crop: `(column, row, 1) ~ K · extrinsics · (x, y, z, 1)`, world."""
        return cameras.intrinsics_matrix(self.camera)

    @property
    def extrinsics(self) -> np.ndarray:
        """`[3, 4]` world to a camera frame with x right, y down, z into the scene; decimetres."""
        return cameras.extrinsics_matrix(self.camera)

    @property
    def photo_intrinsics(self) -> np.ndarray:
        """`[3, 3]` K of the photo: as `intrinsics`, in pixels of the photograph."""
        return np.linalg.inv(self.crop_matrix) @ self.intrinsics

    @property
    def crop_matrix(self) -> np.ndarray:
        """`[3, 3]` photo to crop, homogeneous pixels; its inverse leads back."""
        return np.asarray(self.crop_transform.matrix, np.float64)

    @property
    def photo_landmarks(self) -> np.ndarray:
        """`[68, 2]` landmarks of the mesh, photo pixels."""
        return self.crop_transform.to_image(self.landmarks)

    @property
    def photo_five_points(self) -> np.ndarray:
        """`[5, 2]` five points of the mesh, photo pixels."""
        return self.crop_transform.to_image(self.five_points)

    @property
    def photo_vertices(self) -> np.ndarray:
        """`[V, 3]` column and row in photo pixels, and depth from the camera in decimetres."""
        projected = cameras.project(self.vertices, self.camera).numpy()
        depth = self.camera.distance - self.vertices[:, 2:]
        return np.concatenate([self.crop_transform.to_image(projected), depth], axis=-1)
