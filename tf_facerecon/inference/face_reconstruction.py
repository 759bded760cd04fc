"""One reconstructed face: everything that is known of it, and what can be made of that."""

import dataclasses
import os
import pathlib
from collections.abc import Iterable

import numpy as np

from tf_facerecon.export import face_files, photo_texture
from tf_facerecon.results.fitted_face import FittedFace
from tf_facerecon.visualization import mesh_views, panels


@dataclasses.dataclass(frozen=True, eq=False)
class FaceReconstruction(FittedFace):
    """A fitted face (see `FittedFace` for its fields) that can be drawn and saved."""

    def texture(self) -> np.ndarray:
        """Texture `[1024, 1024, 3]` uint8 for `uv`: the photograph, where it shows the surface."""
        return photo_texture.photo_texture(self, mesh_views.front_view(self))

    def panel(self) -> np.ndarray:
        """Photo, overlay, shape, albedo, landmarks and the turned face side by side; uint8 RGB."""
        view = mesh_views.front_view(self)
        return panels.panel(self, view, photo_texture.photo_texture(self, view))

    def overlay_on_photo(self) -> np.ndarray:
        """The rendered face in its place in the whole photograph: `[height, width, 3]` uint8."""
        return panels.overlay_on_photo(self, mesh_views.front_view(self))

    def save(
        self,
        folder: str | os.PathLike,
        stem: str,
        *,
        overwrite: bool = False,
        keep: Iterable[str | os.PathLike] = (),
    ) -> list[pathlib.Path]:
        """Writes mesh, texture, pictures and numbers; all of them or, on an error, none.

        - `<stem>.obj`, `.mtl`, `_texture.png`: the posed mesh in world decimetres, textured with
          the photo;
        - `<stem>_neutral.obj`, `.mtl`, `_texture.png`: identity alone, in the model frame;
        - `<stem>_overlay.png`: the panel; `<stem>_photo.png`: the face drawn into the photograph;
        - `<stem>.json`: named numbers, units, versions; `<stem>.npz`: all arrays.

        Args:
            folder: Made if it is not there.
            stem: Start of every file name.
            overwrite: Whether files of the same names may be replaced; the photograph itself
                (`source_path`) never is.
            keep: More files that must not be replaced, such as photographs still to come.

        Returns:
            The paths that were written.

        Raises:
            FileExistsError: If a file exists and `overwrite` is false, or is to be kept.
            ValueError: If `stem` is not a plain file name.
            OSError: If the folder cannot be written.
        """
        return face_files.save(self, folder, stem, overwrite=overwrite, keep=keep)
