"""A 3D morphable face model (3DMM) as data: means, bases, topology, landmarks, regions, licence.

Convention:
    Model frame: +x to the image's right (the subject's left), +y up, +z out of the face;
    decimetres, centred. Triangles are counter-clockwise seen from outside; all indices are 0-based.
    Albedo is RGB, about 0 to 1. Bases are per unit standard deviation, so that coefficients are
    N(0, 1), except for expression modes with a range. Source of the layout: Deng et al. 2019,
    Eq. (1), and facemodel_info.mat of the released code.
"""

import dataclasses
import functools
import hashlib
import importlib.resources
import os
import pathlib
from collections.abc import Mapping

import numpy as np
import platformdirs

from tf_facerecon.geometry.face_landmarks import five_points_from_landmarks
from tf_facerecon.io import array_checksum
from tf_facerecon.morphable_models import model_checks, model_file, model_sources

PROCEDURAL = model_sources.PROCEDURAL
DEFAULT = model_sources.DEFAULT

_MASKS = ("skin_region", "face_region")
_BUILT = [repr(kind) for kind in model_sources.KINDS if kind != PROCEDURAL]


@dataclasses.dataclass(frozen=True, eq=False)
class MorphableModel:
    """Read-only arrays of one face model, checked when it is made.

    V vertices, T triangles, U texture coordinates (U = V without seams), K modes.

    Attributes:
        name: Name in configurations and checkpoints.
        mean_shape: `[V, 3]` float32, decimetres.
        identity_basis: `[V, 3, K_id]` float32, decimetres per standard deviation.
        expression_basis: `[V, 3, K_exp]` float32, decimetres per standard deviation, or per unit of
            `expression_range`.
        mean_albedo: `[V, 3]` float32 RGB.
        albedo_basis: `[V, 3, K_tex]` float32, RGB per standard deviation.
        triangles: `[T, 3]` int32.
        landmarks: `[68]` int32, vertices of the iBUG points.
        uv: `[U, 2]` float32 texture coordinates in [0, 1], v up.
        skin_region: `[V]` float32 in [0, 1]: skin of uniform albedo (no eyes, brows, lips), for the
            reflectance (albedo flatness) loss.
        face_region: `[V]` float32 in [0, 1]: region of the photometric loss.
        source: Origin of the data.
        licence: Terms of use of the data.
        redistributable: Whether files that contain the bases may be redistributed.
        recipe: For models computed in this process: identifies the program and its settings. It
            replaces the arrays in `fingerprint`, because the last bits of computed arrays differ
            between machines. Files are not trusted in this respect: `save` omits it and `load`
            ignores it, so the fingerprint of a loaded model is that of its arrays.
        uv_triangles: `[T, 3]` int32, the row of `uv` at each corner of each triangle, for UV maps
            with seams. `None`: `uv` has one row per vertex, indexed by `triangles`.
        now_landmarks: `[7]` int32, vertices of the NoW challenge's points in its order (eye corners
            from the image's left, nose base, mouth corners). `None` takes them from the 68.
        regions: Further regions of the face by name (`small_face`, `eyes`, `lips`), each `[V]`
            float32 in [0, 1].
        expression_names: One name per expression mode, or empty.
        expression_range: `[K_exp, 2]` float32, minimum and maximum coefficient of each expression
            mode, 0 between them. `None`: coefficients are N(0, 1) and unbounded.
        expression_requires: `[K_exp]` int32, for corrective modes the index of the mode whose
            coefficient is their upper bound (its minimum must not be below theirs); else -1.
        identity_scales: `[K_id]` float32, standard deviations by which the unit modes of the source
            were multiplied; `None` if unknown.
        expression_scales: `[K_exp]` float32, the same.
        texture_scales: `[K_tex]` float32, the same.
        mirror_index: `[V]` int32, the mirror image of each vertex.
        units: Unit of length; always `"dm"`.

    Raises:
        ValueError: If an array has a wrong shape or a value that is not finite or out of range; the
            message names field and model.
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
    uv_triangles: np.ndarray | None = None
    now_landmarks: np.ndarray | None = None
    regions: Mapping[str, np.ndarray] = dataclasses.field(default_factory=dict)
    expression_names: tuple[str, ...] = ()
    expression_range: np.ndarray | None = None
    expression_requires: np.ndarray | None = None
    identity_scales: np.ndarray | None = None
    expression_scales: np.ndarray | None = None
    texture_scales: np.ndarray | None = None
    mirror_index: np.ndarray | None = None
    units: str = model_checks.UNITS

    def __post_init__(self) -> None:
        for field, value in model_checks.checked_fields(vars(self)).items():
            object.__setattr__(self, field, value)

    @property
    def num_vertices(self) -> int:
        """V."""
        return len(self.mean_shape)

    @functools.cached_property
    def fingerprint(self) -> str:
        """Identifies the model: equal fingerprints mean that coefficients describe the same faces.

        sha256 (hex) of the recipe, or for a model without one (as from a file) of means, bases,
        triangles, landmarks and texture coordinates. Optional fields are left out, so that adding
        regions, names or ranges does not invalidate trained networks; so are `skin_region` and
        `face_region`, which affect neither shape nor appearance, and in which rounding errors flip
        single vertices.

        Integer arrays enter exactly, real ones by `array_checksum.tolerant_checksum`, because their
        last bits depend on the machine that computed them. Two builds that differ by relative noise
        of 1e-6 have different fingerprints for about one model in 1,000; by the last bit of
        float32, for one in 30,000. A basis in half precision is told apart by its eleven-bit
        significands.
        """
        if self.recipe:
            return hashlib.sha256(self.recipe.encode()).hexdigest()
        digest = hashlib.sha256()
        for name, field in model_checks.CORE_ARRAYS.items():
            if name in _MASKS:
                continue
            array = getattr(self, name)
            whole = field.dtype is np.int32
            digest.update(
                array_checksum.exact_checksum(array)
                if whole
                else array_checksum.tolerant_checksum(array)
            )
            if name in model_file.BASES:
                digest.update(b"half" if _is_half(array) else b"full")
        return digest.hexdigest()

    def five_points(self, vertices: np.ndarray) -> np.ndarray:
        """Eyes, nose tip and mouth corners `[..., 5, D]` of `vertices` `[..., V, D]`."""
        return five_points_from_landmarks(vertices[..., self.landmarks, :])

    def save(self, path: str | os.PathLike, *, half: bool = False, compact: bool = False) -> float:
        """Writes a `.npz` file (no pickle) with a checksum; `load` restores it exactly.

        The recipe is not stored: the fingerprint of the file's model is that of its arrays.

        Args:
            path: The file; written atomically.
            half: Whether to store the bases in float16 with a scale per mode, in at most half the
                size. The loaded model then differs slightly and has another fingerprint.
            compact: Whether to store the bases as delta-coded 16-bit integers, in about a quarter
                of the size and with smaller errors than `half`.

        Returns:
            Largest possible distance in mm between vertices of the stored model and this one, for
            coefficients of at most 3 in absolute value, or within their range; 0 without `half`
            and `compact`.

        Raises:
            ValueError: If both `half` and `compact` are given.
        """
        return model_file.write_model(path, vars(self), half=half, compact=compact)

    @classmethod
    def load(cls, path: str | os.PathLike, mmap: bool = False) -> "MorphableModel":
        """Reads a file written by `save`.

        Args:
            path: The file.
            mmap: Whether to memory-map the arrays, so that several processes share one copy. The
                file is read once to verify its checksum, and must not be changed in place while the
                model is in use (`save` never does). Half-precision bases are read.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If it is not a face model, is damaged, lacks an array, has another format
                version, or is invalid.
        """
        fields = model_file.read_model(path, mapped=mmap)
        try:
            return cls(**fields)
        except ValueError as error:
            raise ValueError(f"Face model {os.fspath(path)!r}: {error}") from error

    @classmethod
    def from_preset(cls, name: str | os.PathLike) -> "MorphableModel":
        """Loads a face model by name: one that ships, or a file in `face_model_folder()`.

        Args:
            name: `"ict_london"` (shapes and colours of real people), `"procedural"` (computed,
                needs no file), `"procedural-<number of vertices>"`, the stem of a file in
                `face_model_folder()`, or a path ending in `.npz`.

        Raises:
            FileNotFoundError: If there is no such file; for models that can be built, the message
                contains the command.
            ValueError: If the file is not a face model, or the number of vertices of the procedural
                model is below `procedural.topology.MIN_VERTICES`.
        """
        text = os.fspath(name)
        if text.endswith(".npz"):
            return cls.load(text)
        base, _, density = text.partition("-")
        if text == PROCEDURAL:
            return _procedural_model(None)
        if base == PROCEDURAL and density.isdecimal():
            return _procedural_model(int(density))
        if text in shipped_face_models():
            return _shipped_model(text)
        path = face_model_folder() / f"{text}.npz"
        if path.is_file():
            return cls.load(path)
        command = model_sources.build_command(text)
        if command:
            raise FileNotFoundError(
                f"There is no face model {text!r} yet (no file {str(path)!r}). Build it once: "
                f"{command}"
            )
        raise FileNotFoundError(
            f"There is no face model {text!r}: expected 'procedural', 'procedural-<number of "
            f"vertices>', {', '.join(_BUILT)}, the path of an .npz file, or a file {str(path)!r}."
        )


def face_model_folder() -> pathlib.Path:
    """Folder of the model files of `from_preset`: in `$TF_FACERECON_HOME`, else the user cache."""
    home = os.environ.get("TF_FACERECON_HOME") or platformdirs.user_cache_dir("tf_facerecon")
    return pathlib.Path(home) / "face_models"


def shipped_face_models() -> list[str]:
    """Names of the face models that are files of this package."""
    return sorted(path.stem for path in _shipped_folder().glob("*.npz"))


def _shipped_folder() -> pathlib.Path:
    return pathlib.Path(str(importlib.resources.files("tf_facerecon"))) / "face_models"


def _is_half(basis: np.ndarray) -> bool:
    """Whether half precision represents (nearly) all non-zero values of a basis exactly."""
    with np.errstate(over="ignore"):
        same = model_file.dequantize_basis(*model_file.quantize_basis(basis)) == basis
    # Not all: where the largest value of a mode was rounded up, its smallest ones lose a bit.
    return bool(np.count_nonzero(same & (basis != 0)) >= 0.5 * np.count_nonzero(basis))


@functools.cache
def _procedural_model(num_vertices: int | None) -> MorphableModel:
    # Building takes seconds; the arrays are read-only, so sharing one copy is safe.
    return MorphableModel(**model_sources.build_fields(PROCEDURAL, num_vertices=num_vertices))


@functools.cache
def _shipped_model(name: str) -> MorphableModel:
    return MorphableModel.load(_shipped_folder() / f"{name}.npz")
