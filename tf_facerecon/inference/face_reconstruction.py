"""The result of single-image reconstruction: a fitted face that can be drawn and saved."""

import dataclasses
import math
import os
import pathlib
from collections.abc import Iterable

import numpy as np

from tf_facerecon.core import package_versions
from tf_facerecon.export import photo_texture
from tf_facerecon.inference import face_files, output_names
from tf_facerecon.io import file_groups
from tf_facerecon.results.fitted_face import FittedFace, RefinementReport
from tf_facerecon.visualization import face_panel, mesh_rendering

UNITS = {
    "length": "decimetre",
    "identity, expression, texture": "standard deviation",
    "rotation": "radian; Euler angles about x, y, z; R = Rz Ry Rx on column vectors",
    "points": "pixel (column, row), row down, top-left pixel (0, 0)",
    "photo_rotation": "degrees counter-clockwise by which the photo was turned to be upright",
    "point_disagreement": "fraction of the eye distance, between detected points and mesh",
    "pose": "model frame to world; x right in the image, y up, z towards the camera",
    "extrinsics": "world to a camera frame with x right, y down, z into the scene",
    "crop_matrix": "photo pixels to crop pixels",
}


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class FaceReconstruction(FittedFace):
    """One reconstructed face; its data and geometry are documented in `FittedFace`.

    Attributes:
        photo_rotation: Degrees by which `photo` was turned counter-clockwise to be upright, after
            its EXIF orientation had been applied: 0, 90, 180 or 270.
        point_disagreement: Mean distance between the five points of the mesh before refinement and
            the alignment points, as a fraction of the distance between the eyes.
        doubts: Reasons why the reconstruction is probably wrong; see `doubts.find_doubts`.
    """

    photo_rotation: int = 0
    point_disagreement: float = 0.0
    doubts: tuple[str, ...] = ()

    def texture(self) -> np.ndarray:
        """Texture for `uv`, `[1024, 1024, 3]` uint8 RGB, taken from the photo where it is visible.

        See `photo_texture.extract_texture`.
        """
        return photo_texture.extract_texture(self, mesh_rendering.render_camera_view(self))

    def panel(self) -> np.ndarray:
        """Photo, overlay, shape, albedo, landmarks and a rotated view side by side.

        Returns:
            `[height, width, 3]` uint8 RGB.
        """
        view = mesh_rendering.render_camera_view(self)
        texture = photo_texture.extract_texture(self, view)
        return face_panel.draw_panel(self, view, texture)

    def overlay_on_photo(self) -> np.ndarray:
        """The rendered face composited over the whole photo: `[height, width, 3]` uint8 RGB."""
        return face_panel.draw_overlay(self, mesh_rendering.render_camera_view(self))

    def summary(self) -> dict:
        """Everything except meshes and images as numbers and text: the contents of the JSON file.

        Points are listed by the image that they refer to, "crop" or "photo".
        """
        five_points = {"crop": self.five_points, "photo": self.photo_five_points}
        rotation = dict(zip(("pitch", "yaw", "roll"), self.rotation_degrees, strict=True))
        return {
            "source": self.source,
            "photo_size": {"width": self.photo.shape[1], "height": self.photo.shape[0]},
            "photo_rotation": self.photo_rotation,
            "point_disagreement": self.point_disagreement,
            "doubts": list(self.doubts),
            "box": dict(zip(("x", "y", "width", "height"), self.box, strict=True)),
            "confidence": self.confidence,
            "face_model": {"name": self.face_model, "fingerprint": self.face_model_fingerprint},
            "coefficients": self.coefficients,
            "rotation_degrees": rotation,
            "pose": self.pose,
            "camera": dataclasses.asdict(self.camera),
            "intrinsics": self.intrinsics,
            "extrinsics": self.extrinsics,
            "photo_intrinsics": self.photo_intrinsics,
            "crop_matrix": self.crop_matrix,
            "photo_from_crop_matrix": np.linalg.inv(self.crop_matrix),
            "landmarks": {"crop": self.landmarks, "photo": self.photo_landmarks},
            "five_points": five_points,
            "alignment_points": {"photo": self.alignment_points},
            "refinement": None if self.refinement is None else _nan_to_none(self.refinement),
            "units": UNITS,
            "versions": package_versions.package_versions(),
        }

    def save(
        self,
        folder: str | os.PathLike,
        stem: str,
        *,
        outputs: Iterable[str] | None = None,
        overwrite: bool = False,
        keep: Iterable[str | os.PathLike] = (),
    ) -> list[pathlib.Path]:
        """Writes meshes, texture, images and numbers; all of the files or, on an error, none.

        - "mesh": `<stem>.obj`, `.mtl`, `_texture.png`, the posed mesh, world frame, decimetres,
          textured from the photo;
        - "neutral": `<stem>_neutral.obj`, `.mtl`, `_texture.png`, identity only, model frame,
          decimetres;
        - "overlay": `<stem>_overlay.png`, `panel()`;
        - "photo": `<stem>_photo.png`, `overlay_on_photo()`;
        - "json": `<stem>.json`, `summary()`;
        - "npz": `<stem>.npz`, all arrays.

        Args:
            folder: Created if it does not exist.
            stem: Start of every file name.
            outputs: Names of the outputs to write, of those above; by default all.
            overwrite: Whether existing files may be replaced; the photo itself (`source_path`)
                never is.
            keep: Further files that must not be replaced, such as photos still to be processed.

        Returns:
            The files written.

        Raises:
            FileExistsError: If a file exists and `overwrite` is false, or it is to be kept.
            ValueError: If `stem` is not a plain file name, or an output is unknown.
            OSError: If the folder cannot be written.
        """
        outputs = output_names.choose(outputs, output_names.FACE_OUTPUTS)
        return file_groups.write_together(
            folder,
            stem,
            output_names.face_files(stem, outputs),
            lambda temporary: self._write_files(temporary, stem, outputs),
            overwrite=overwrite,
            keep=[*keep, *([self.source_path] if self.source_path else [])],
        )

    def _write_files(self, folder: pathlib.Path, stem: str, outputs: tuple[str, ...]) -> None:
        face_files.write_face_files(self, folder, stem, outputs, self.summary())


def _nan_to_none(report: RefinementReport) -> dict[str, float | None]:
    """Fields of the report with NaN, which JSON lacks, replaced by `None`."""
    fields = dataclasses.asdict(report)
    return {name: None if math.isnan(value) else value for name, value in fields.items()}
