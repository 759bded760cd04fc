"""A 3DMM fitted to one face of a photograph: coefficients, pose, camera, meshes and landmarks.

Convention:
    World and model frames: x to the right in the image, y up, z towards the camera; decimetres. The
    camera is at (0, 0, 10) and looks along -z. "Crop" is the aligned 224 x 224 image, "photo" the
    whole input image. Points are `(column, row)` in pixels, row down. All arrays are NumPy arrays.
"""

import dataclasses
import pathlib

import numpy as np

from tf_facerecon.geometry import camera as cameras
from tf_facerecon.geometry import rigid_transforms, rotations
from tf_facerecon.photos.face_alignment import CropTransform


@dataclasses.dataclass(frozen=True)
class RefinementReport:
    """Errors of a fit before and after refinement.

    Attributes:
        steps: Number of gradient steps.
        photometric_before: Mean RGB distance, in [0, 1] units, between rendered face and crop over
            `image_error.photometric_region`; NaN if no skin is visible there.
        photometric_after: The same after refinement.
        point_error_before: Mean landmark error as a fraction of the distance between the eyes.
        point_error_after: The same after refinement.
    """

    steps: int
    photometric_before: float
    photometric_after: float
    point_error_before: float
    point_error_after: float


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class CropFit:
    """The fit of a 3DMM to the face in an aligned crop; V vertices, T triangles.

    Attributes:
        crop: `[224, 224, 3]` uint8 RGB, the aligned crop, R-Net's input.
        crop_transform: Maps photo pixels to crop pixels and back.
        alignment_points: `[5, 2]` or `[68, 2]` landmarks by which the face was aligned, detected or
            given by the caller, photo pixels.
        coefficients: 1D arrays by group: `identity`, `expression`, `texture` (standard deviations),
            `rotation` (Euler angles x, y, z, radians), `lighting` (nine spherical-harmonics
            coefficients for each of R, G, B, or nine for white light), `translation` (decimetres).
        camera: Perspective camera of the crop.
        vertices: `[V, 3]` with identity, expression and pose, world frame.
        triangles: `[T, 3]` int32 vertex indices, counter-clockwise seen from outside.
        albedo: `[V, 3]` RGB without illumination, about 0 to 1, not clamped.
        colours: `[V, 3]` RGB with illumination, not clamped.
        landmarks: `[68, 2]` iBUG landmarks of the mesh, projected to crop pixels.
        image: `[224, 224, 3]` rendered face in [0, 1], black outside it.
        mask: `[224, 224]` 1 inside the rendered face, else 0.
        source_path: File of the photo, which saving never overwrites; `None` for an array.
    """

    crop: np.ndarray
    crop_transform: CropTransform
    alignment_points: np.ndarray
    coefficients: dict[str, np.ndarray]
    camera: cameras.PerspectiveCamera
    vertices: np.ndarray
    triangles: np.ndarray
    albedo: np.ndarray
    colours: np.ndarray
    landmarks: np.ndarray
    image: np.ndarray
    mask: np.ndarray
    source_path: pathlib.Path | None = None


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class FittedFace(CropFit):
    """The fit of a 3DMM to one face of a photograph; V vertices, T triangles.

    Attributes:
        source: Path of the photo as it was given, or the name that the caller gave it.
        photo: `[height, width, 3]` uint8 RGB, the whole photo.
        box: `[4]` x, y, width, height of the face bounding box, photo pixels.
        confidence: Detection confidence, 0 to 1; `None` if the caller gave the landmarks.
        normals: `[V, 3]` unit vertex normals, outward, world frame.
        neutral_vertices: `[V, 3]` with identity only (neutral expression, no pose), model frame.
        uv: `[U, 2]` texture coordinates, v up.
        uv_triangles: `[T, 3]` int32, rows of `uv` at the corners of `triangles`; equal to
            `triangles` if the texture has no seams.
        five_points: `[5, 2]` eye centres, nose tip and mouth corners of the mesh, crop pixels.
        face_model: Name of the 3DMM.
        face_model_fingerprint: SHA-256 of the 3DMM, hex.
        refinement: Errors before and after refinement; `None` without refinement.
    """

    source: str
    photo: np.ndarray
    box: np.ndarray
    confidence: float | None
    normals: np.ndarray
    neutral_vertices: np.ndarray
    uv: np.ndarray
    uv_triangles: np.ndarray
    five_points: np.ndarray
    face_model: str
    face_model_fingerprint: str
    refinement: RefinementReport | None = None

    @property
    def rotation_matrix(self) -> np.ndarray:
        """`[3, 3]` rotation from model to world frame, R = Rz · Ry · Rx."""
        angles = np.asarray(self.coefficients["rotation"], np.float64)
        return rotations.rotation_matrix_from_euler(angles).numpy()

    @property
    def rotation_degrees(self) -> np.ndarray:
        """`[3]` pitch (positive: down), yaw (positive: to the image's right), roll; degrees."""
        return np.degrees(np.asarray(self.coefficients["rotation"], np.float64))

    @property
    def pose(self) -> np.ndarray:
        """`[4, 4]` from model to world frame: `[[R, t], [0, 1]]`, decimetres."""
        translation = np.asarray(self.coefficients["translation"], np.float64)
        return rigid_transforms.pose_matrix(self.rotation_matrix, translation).numpy()

    @property
    def intrinsics(self) -> np.ndarray:
        """`[3, 3]` K of the crop: `(column, row, 1) ~ K · extrinsics · world (x, y, z, 1)`."""
        return cameras.intrinsics_matrix(self.camera)

    @property
    def extrinsics(self) -> np.ndarray:
        """`[3, 4]` from world to a camera frame: x right, y down, z into the scene; decimetres."""
        return cameras.extrinsics_matrix(self.camera)

    @property
    def photo_intrinsics(self) -> np.ndarray:
        """`[3, 3]` K of the photo: as `intrinsics`, for photo pixels."""
        return np.linalg.inv(self.crop_matrix) @ self.intrinsics

    @property
    def crop_matrix(self) -> np.ndarray:
        """`[3, 3]` from photo to crop, homogeneous pixel coordinates."""
        return np.asarray(self.crop_transform.matrix, np.float64)

    @property
    def photo_landmarks(self) -> np.ndarray:
        """`[68, 2]` iBUG landmarks of the mesh, photo pixels."""
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
