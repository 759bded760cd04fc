"""A 3D morphable face model (3DMM) as data: means, bases, topology, landmarks, regions, licence.

Convention:
    Model frame: +x to the image's right (the subject's left), +y up, +z out of the face;
    decimetres, centred. Triangles are counter-clockwise seen from outside; all indices are 0-based.
    Albedo is RGB, about 0 to 1. Bases are per unit standard deviation, so that coefficients are
    N(0, 1). Source of the layout: Deng et al. 2019, Eq. (1), and facemodel_info.mat of the
    released code.
"""

import dataclasses
import functools
import hashlib
import os
import pathlib
import zipfile

import numpy as np
import platformdirs

from tf_facerecon.geometry.face_landmarks import five_points_from_landmarks
from tf_facerecon.io import atomic_files

FORMAT_VERSION = 1
NUM_LANDMARKS = 68
PROCEDURAL = "procedural"

_ARRAYS = {
    "mean_shape": (np.float32, ("V", 3)),
    "identity_basis": (np.float32, ("V", 3, "K")),
    "expression_basis": (np.float32, ("V", 3, "K")),
    "mean_albedo": (np.float32, ("V", 3)),
    "albedo_basis": (np.float32, ("V", 3, "K")),
    "triangles": (np.int32, ("T", 3)),
    "landmarks": (np.int32, (NUM_LANDMARKS,)),
    "uv": (np.float32, ("V", 2)),
    "skin_region": (np.float32, ("V",)),
    "face_region": (np.float32, ("V",)),
}
_TEXTS = ("name", "source", "licence")


@dataclasses.dataclass(frozen=True, eq=False)
class MorphableModel:
    """Read-only arrays of one face model, checked when it is made.

    Attributes:
        name: What a configuration or a checkpoint calls this model.
        mean_shape: `[V, 3]` float32, decimetres.
        identity_basis: `[V, 3, K]` float32, decimetres per standard deviation.
        expression_basis: `[V, 3, K]` float32, decimetres per standard deviation.
        mean_albedo: `[V, 3]` float32 RGB.
        albedo_basis: `[V, 3, K]` float32, RGB per standard deviation.
        triangles: `[T, 3]` int32.
        landmarks: `[68]` int32, vertices of the iBUG points.
        uv: `[V, 2]` float32 texture coordinates in [0, 1], v up.
        skin_region: `[V]` float32 in [0, 1]: skin of one albedo (no eyes, brows, lips), for the
            albedo flatness loss.
        face_region: `[V]` float32 in [0, 1]: part of the face on which photographs are compared.
        source: Where the data come from.
        licence: What the data may be used for.
        redistributable: Whether files that contain the bases may be given to others.
        recipe: For models made by a program in this process: what identifies the program and its
            settings. It then stands for the arrays in `fingerprint`, because two machines may
            differ in the last bit of a computed array. A file's word is not taken for it: `save`
            leaves it out and `load` ignores it, so a model from a file is known by its arrays.

    Raises:
        ValueError: If an array has a wrong shape, a value that is not finite, or an index out of
            range.
    """

    name: str
    mean_shape: np.ndarray
    identity_basis: np.ndarray
    expression_basis: np.ndarray
    mean_albedo: np.ndarray
    albedo_basis: np.ndarray
    triangles: np.ndarray
    landmarks: np.ndarray
    uv: np.ndarray
    skin_region: np.ndarray
    face_region: np.ndarray
    source: str = ""
    licence: str = ""
    redistributable: bool = False
    recipe: str = ""

    def __post_init__(self) -> None:
        for field, (dtype, shape) in _ARRAYS.items():
            array = _checked_array(field, getattr(self, field), dtype, shape, self.num_vertices)
            object.__setattr__(self, field, array)
        for field in ("triangles", "landmarks"):
            indices = getattr(self, field)
            if indices.size == 0 or indices.min() < 0 or indices.max() >= self.num_vertices:
                raise ValueError(
                    f"`{field}` of face model {self.name!r} must hold vertex numbers from 0 to "
                    f"{self.num_vertices - 1}. Received: {_range(indices)}."
                )
        for field in ("skin_region", "face_region", "uv"):
            values = getattr(self, field)
            if values.min() < 0.0 or values.max() > 1.0:
                raise ValueError(
                    f"`{field}` of face model {self.name!r} must lie in [0, 1]. "
                    f"Received: {_range(values)}."
                )

    @property
    def num_vertices(self) -> int:
        """V."""
        return np.shape(self.mean_shape)[0]

    @functools.cached_property
    def fingerprint(self) -> str:
        """sha256 (hex) of the recipe, or of all arrays for a model without one (as from a file)."""
        if self.recipe:
            return hashlib.sha256(self.recipe.encode()).hexdigest()
        digest = hashlib.sha256()
        for field in _ARRAYS:
            digest.update(np.ascontiguousarray(getattr(self, field)).tobytes())
        return digest.hexdigest()

    def five_points(self, vertices: np.ndarray) -> np.ndarray:
        """Eyes, nose tip and mouth corners `[..., 5, D]` of `vertices` `[..., V, D]`."""
        return five_points_from_landmarks(vertices[..., self.landmarks, :])

    def save(self, path: str | os.PathLike) -> None:
        """Writes a `.npz` (no pickle) whose arrays `load` reads back bit for bit.

        The recipe stays behind: the file's model has the fingerprint of its arrays.
        """
        arrays = {field: getattr(self, field) for field in _ARRAYS}
        texts = {field: np.array(getattr(self, field)) for field in _TEXTS}
        with atomic_files.atomic_path(path) as temporary, open(temporary, "wb") as file:
            np.savez(
                file,
                format_version=np.array(FORMAT_VERSION),
                redistributable=np.array(self.redistributable),
                **texts,
                **arrays,
            )

    @classmethod
    def load(cls, path: str | os.PathLike) -> "MorphableModel":
        """Reads a file that `save` wrote.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If it is not a face model, lacks an array, has another format version, or
                fails the checks.
        """
        path = pathlib.Path(path)
        if not path.is_file():
            raise FileNotFoundError(f"There is no face model file {str(path)!r}.")
        try:
            with np.load(path, allow_pickle=False) as archive:
                stored = {key: archive[key] for key in archive.files}
        except (ValueError, OSError, zipfile.BadZipFile, EOFError) as error:
            raise ValueError(
                f"{str(path)!r} is not a readable face model (.npz): {error}"
            ) from error
        expected = ("format_version", "redistributable", *_TEXTS, *_ARRAYS)
        missing = [key for key in expected if key not in stored]
        if missing:
            raise ValueError(f"Face model {str(path)!r} lacks {', '.join(missing)}.")
        if int(stored["format_version"]) != FORMAT_VERSION:
            raise ValueError(
                f"Face model {str(path)!r} has format version {stored['format_version']}; this "
                f"package reads version {FORMAT_VERSION}."
            )
        try:
            return cls(
                **{field: stored[field] for field in _ARRAYS},
                **{field: str(stored[field]) for field in _TEXTS},
                redistributable=bool(stored["redistributable"]),
            )
        except ValueError as error:
            raise ValueError(f"Face model {str(path)!r}: {error}") from error

    @classmethod
    def from_preset(cls, name: str | os.PathLike) -> "MorphableModel":
        """The embedded model, a file in the cache folder by its name, or the `.npz` at a path.

        Args:
            name: `"procedural"`, `"procedural-<number of vertices>"`, the stem of a file in
                `face_model_folder()`, or a path ending in `.npz`.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If the file is not a face model, or the procedural face is asked for with
                fewer vertices than it needs (`procedural.topology.MIN_VERTICES`).
        """
        text = os.fspath(name)
        if text.endswith(".npz"):
            return cls.load(text)
        base, _, density = text.partition("-")
        if text == PROCEDURAL:
            return _procedural_model(None)
        if base == PROCEDURAL and density.isdecimal():
            return _procedural_model(int(density))
        path = face_model_folder() / f"{text}.npz"
        if path.is_file():
            return cls.load(path)
        raise FileNotFoundError(
            f"There is no face model {text!r}: expected 'procedural', 'procedural-<number of "
            f"vertices>', the path of an .npz file, or a file {str(path)!r}."
        )


def face_model_folder() -> pathlib.Path:
    """Where `from_preset` looks for model files: `$TF_FACERECON_HOME`, else the user's cache."""
    home = os.environ.get("TF_FACERECON_HOME") or platformdirs.user_cache_dir("tf_facerecon")
    return pathlib.Path(home) / "face_models"


@functools.cache
def _procedural_model(num_vertices: int | None) -> MorphableModel:
    # Building takes seconds; the arrays are read-only, so that sharing one copy is safe.
    from tf_facerecon.face_models.procedural import procedural_model

    if num_vertices is None:
        num_vertices = procedural_model.DEFAULT_VERTICES
    return MorphableModel(**procedural_model.procedural_fields(num_vertices))


def _checked_array(name, value, dtype, shape, num_vertices) -> np.ndarray:
    array = np.asarray(value)
    sizes = {"V": num_vertices}
    fits = array.ndim == len(shape) and all(
        sizes.get(want, want) == got or (want in ("T", "K") and got > 0)
        for want, got in zip(shape, array.shape, strict=True)
    )
    if not fits:
        expected = "[" + ", ".join(str(sizes.get(size, size)) for size in shape) + "]"
        raise ValueError(f"`{name}` must have shape {expected}. Received: shape {array.shape}.")
    if array.dtype.kind not in "fiub" or not np.isfinite(array).all():
        raise ValueError(f"`{name}` must hold finite numbers. Received: dtype {array.dtype}.")
    if dtype is np.int32 and (array != np.round(array)).any():
        raise ValueError(f"`{name}` must hold whole numbers. Received: dtype {array.dtype}.")
    array = np.array(array, dtype=dtype, order="C")
    array.setflags(write=False)
    return array


def _range(values: np.ndarray) -> str:
    return f"{values.min()} to {values.max()}" if values.size else "no values"
