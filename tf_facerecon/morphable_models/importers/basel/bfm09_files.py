"""Source files of the Basel Face Model 2009 with expressions: names, origins, formats."""

import codecs
import contextlib
import hashlib
import logging
import os
import pathlib
from collections.abc import Iterator
from typing import IO

import numpy as np

from tf_facerecon.morphable_models.importers.basel import archive_member, matlab_files

BASEL = "01_MorphableModel.mat"
EXPRESSIONS = "Exp_Pca.bin"
EXPRESSION_SCALES = "std_exp.txt"
EXPRESSION_VERTICES = "BFM_exp_idx.mat"
FRONT_VERTICES = "BFM_front_idx.mat"
FACE_INFO = "facemodel_info.mat"
PRECONVERTED = "BFM_model_front.mat"

_DEEP3D = (
    "from the folder BFM of https://github.com/microsoft/Deep3DFaceReconstruction (MIT licence); "
    "direct: https://raw.githubusercontent.com/microsoft/Deep3DFaceReconstruction/master/BFM/{}"
)
_ORIGINS = {
    BASEL: "in PublicMM1/ of the archive BaselFaceModel.tgz (Basel Face Model 2009), to which the "
    "University of Basel sends a link after registration at https://faces.dmi.unibas.ch/bfm "
    "(request the 2009 model; the .h5 files of 2017 and 2019 are other models). The licence allows "
    "non-commercial research by the registered person and forbids redistribution",
    EXPRESSIONS: "in the archive CoarseData linked from https://github.com/Juyong/3DFace (Guo et "
    "al.); derived from research data, do not redistribute",
    **{
        name: _DEEP3D.format(name)
        for name in (EXPRESSION_SCALES, EXPRESSION_VERTICES, FRONT_VERTICES, FACE_INFO)
    },
}
# Of the published files; for the licensed ones no checksums are published.
SHA256 = {
    EXPRESSION_VERTICES: "62752a2cab3eea148569fb07e367e03535b4ee04aa71ea1a9aed36486d26c612",
    FRONT_VERTICES: "7d285dd018563113496127df9c364800183172adb4d3e802f726085dab66b087",
    FACE_INFO: "529398f76619ae7e22f43c25dd60a2473bcc2bcc8c894fd9c613c68624ce1c04",
    EXPRESSION_SCALES: "4abc20f1cad2471272637d366b511f1a44c2befeeb1353b7fff392ef72ed1203",
}
_MAX_TEXT_BYTES = 1 << 16
_MAX_EXPRESSION_MODES = 1000

_log = logging.getLogger(__name__)


def find_preconverted(source: pathlib.Path) -> pathlib.Path | None:
    """Finds `BFM_model_front.mat`: `source` itself, or in it or one of its subfolders."""
    if source.is_file():
        return source if source.name == PRECONVERTED else None
    return _find(source, PRECONVERTED)


def find_originals(source: pathlib.Path) -> dict[str, pathlib.Path]:
    """Finds all source files.

    Args:
        source: The folder with the files, or the Basel file or archive among them.

    Returns:
        Paths by file name; the path of `01_MorphableModel.mat` may be that of an archive with it.

    Raises:
        FileNotFoundError: If files are missing; the message says where to get each of them.
    """
    folder = source if source.is_dir() else source.parent
    paths = {name: _find(folder, name) for name in _ORIGINS}
    if source.is_file():
        paths[BASEL] = source
    elif paths[BASEL] is None:
        paths[BASEL] = _archive_with_basel(folder)
    missing = [name for name, path in paths.items() if path is None]
    if missing:
        listing = "".join(f"\n  {name}: {_ORIGINS[name]}." for name in missing)
        raise FileNotFoundError(
            f"The Basel Face Model 2009 needs files that {str(folder)!r} lacks:{listing}"
        )
    return paths


@contextlib.contextmanager
def open_file(path: pathlib.Path, name: str) -> Iterator[IO[bytes]]:
    """Opens the file `name` at `path`, or inside the archive at `path`; seekable.

    Logs its sha256 (INFO), and a warning if it differs from that of the published file.

    Raises:
        FileNotFoundError: If the archive has no such file.
        ValueError: If the archive cannot be read.
    """
    with contextlib.ExitStack() as stack:
        if archive_member.is_archive(path):
            stream = stack.enter_context(archive_member.open_member(path, name))
        else:
            stream = stack.enter_context(open(path, "rb"))
        if stream is None:
            raise FileNotFoundError(
                f"The archive {str(path)!r} has no {name}. Expected: {_ORIGINS[name]}."
            )
        _log_digest(name, stream)
        yield stream


def read_basel(stream: IO[bytes], *, with_triangles: bool) -> dict[str, np.ndarray]:
    """Reads `01_MorphableModel.mat`.

    Returns:
        `shapePC [3R, M]`, `shapeEV [M]`, `shapeMU [R, 3]` (micrometres), `texPC [3R, M']`,
        `texEV [M']`, `texMU [R, 3]` (RGB 0 to 255); if asked for `tl [T, 3]`, 0-based.

    Raises:
        ValueError: If the file is damaged or its arrays are inconsistent.
    """
    names = ["shapePC", "shapeEV", "shapeMU", "texPC", "texEV", "texMU"]
    names += ["tl"] if with_triangles else []
    arrays = matlab_files.read_arrays(stream, names, BASEL)
    rows = arrays["shapeMU"].size
    if rows % 3:
        raise ValueError(f"`shapeMU` of {BASEL} must hold x, y, z of vertices. Received: {rows}.")
    for kind in ("shape", "tex"):
        modes = arrays[f"{kind}EV"].size
        for name, size in ((f"{kind}PC", (rows, modes)), (f"{kind}MU", (rows, 1))):
            if arrays[name].shape != size:
                raise ValueError(
                    f"`{name}` of {BASEL} must have shape {list(size)} to agree with `shapeMU` "
                    f"and `{kind}EV`. Received: shape {arrays[name].shape}."
                )
        arrays[f"{kind}EV"] = arrays[f"{kind}EV"].ravel()
        arrays[f"{kind}MU"] = arrays[f"{kind}MU"].reshape(-1, 3)
    if with_triangles:
        arrays["tl"] = from_one_based(arrays["tl"], (None, 3), rows // 3, f"`tl` of {BASEL}")
    return arrays


def read_expression_modes(stream: IO[bytes], num_vertices: int) -> np.ndarray:
    """The modes of `Exp_Pca.bin`, `[K, num_vertices, 3]` float32, memory-mapped.

    Format: int32 K, then float32 x, y, z of every vertex of the mean offset (ignored, as in the
    released code of Deng et al.) and of each of the K modes; little-endian.

    Raises:
        ValueError: If the file size does not match K modes.
    """
    size = stream.seek(0, os.SEEK_END)
    stream.seek(0)
    count = int.from_bytes(stream.read(4), "little", signed=True)
    expected = 4 + 4 * 3 * num_vertices * (1 + count)
    if not 1 <= count <= _MAX_EXPRESSION_MODES or size != expected:
        raise ValueError(
            f"{EXPRESSIONS} must hold a number of modes K and (1 + K) x {num_vertices} x 3 "
            f"little-endian float32. Received: K = {count}, {size} bytes."
        )
    offset = 4 + 4 * 3 * num_vertices
    return np.memmap(stream, "<f4", "r", offset, (count, num_vertices, 3))


def read_expression_scales(stream: IO[bytes], count: int) -> np.ndarray:
    """The numbers of `std_exp.txt`, float64 `[count]`.

    Raises:
        ValueError: If the file does not hold `count` positive numbers.
    """
    text = stream.read(_MAX_TEXT_BYTES).removeprefix(codecs.BOM_UTF8)
    try:
        scales = np.array([float(word) for word in text.split()])
    except ValueError as error:
        raise ValueError(f"{EXPRESSION_SCALES} must hold numbers: {error}") from error
    if len(scales) != count or not (np.isfinite(scales) & (scales > 0)).all():
        raise ValueError(
            f"{EXPRESSION_SCALES} must hold {count} positive numbers, one for each mode of "
            f"{EXPRESSIONS}. Received: {len(scales)} numbers."
        )
    return scales


def from_one_based(
    values: np.ndarray, shape: tuple[int | None, ...], upper: int, label: str
) -> np.ndarray:
    """Checks 1-based indices up to `upper` and converts them to 0-based int64.

    Raises:
        ValueError: If the shape differs (`None` allows any size), or a value is not an integer or
            out of range.
    """
    fits = values.ndim == len(shape) and all(
        want in (None, got) for want, got in zip(shape, values.shape, strict=True)
    )
    if not fits:
        expected = ", ".join("any" if size is None else str(size) for size in shape)
        raise ValueError(f"{label} must have shape [{expected}]. Received: {values.shape}.")
    if (values != np.round(values)).any() or values.min() < 1 or values.max() > upper:
        raise ValueError(
            f"{label} must hold whole numbers from 1 to {upper}. "
            f"Received: {values.min()} to {values.max()}."
        )
    return values.astype(np.int64) - 1


def _log_digest(name: str, stream: IO[bytes]) -> None:
    digest = hashlib.sha256()
    while block := stream.read(1 << 20):
        digest.update(block)
    stream.seek(0)
    received, expected = digest.hexdigest(), SHA256.get(name)
    if expected not in (None, received):
        _log.warning("%s is not the published file: its sha256 should be %s.", name, expected)
    _log.info("%s: sha256 %s", name, received)


def _find(folder: pathlib.Path, name: str) -> pathlib.Path | None:
    candidates = (folder / name, *sorted(folder.glob(f"*/{name}")))
    return next((path for path in candidates if path.is_file()), None)


def _archive_with_basel(folder: pathlib.Path) -> pathlib.Path | None:
    for path in sorted(folder.iterdir()):
        if path.is_file() and archive_member.is_archive(path):
            try:
                with archive_member.open_member(path, BASEL) as stream:
                    if stream is not None:
                        return path
            except ValueError as error:
                # It may be an unrelated archive.
                _log.warning("Ignored: %s", error)
    return None
