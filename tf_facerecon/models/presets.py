"""Weights that ship with the package, their table and their checksums; no pickle.

A preset is a Keras file `<name>.weights.h5` and an entry of `presets.json` in the same folder:
the network's class and configuration, the file's checksum, what it is and the command that makes
it. An entry without a checksum names weights that are not in this folder yet.
"""

import hashlib
import importlib.resources
import json
import os
import pathlib
import tempfile
import zipfile
import zlib
from typing import Any

import h5py
import keras
import numpy as np

from tf_facerecon.io import atomic_files, json_files, text_files

TABLE = "presets.json"
# What Keras, h5py and the zip reader raise over a file that is cut off, changed or something else.
_UNREADABLE = (
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
    OSError,
    EOFError,
    NotImplementedError,
    zipfile.BadZipFile,
    zlib.error,
)

_FLOAT32 = keras.saving.serialize_keras_object(keras.DTypePolicy("float32"))


def weights_folder() -> pathlib.Path:
    """The folder of shipped weights inside the package."""
    return pathlib.Path(str(importlib.resources.files("tf_facerecon"))) / "weights"


def read_table(folder: str | os.PathLike | None = None) -> dict[str, dict[str, Any]]:
    """Entries of a folder's `presets.json` by preset name; empty if it has none.

    Raises:
        ValueError: If the table is not JSON.
    """
    path = pathlib.Path(folder or weights_folder()) / TABLE
    if not path.is_file():
        return {}
    try:
        return json.loads(text_files.read_text(path))
    except ValueError as error:
        raise ValueError(f"{path} is not a table of presets (JSON): {error}") from error


def preset_path(
    name: str, folder: str | os.PathLike | None = None, wanted_class: str | None = None
) -> pathlib.Path:
    """The weights file of a preset, after its checksum was compared.

    Args:
        name: Preset name, a key of `presets.json`.
        folder: Where to look; the package's own weights by default.
        wanted_class: Class of the networks to suggest if there is no such preset; all by default.

    Raises:
        ValueError: If no preset has that name, or the file is not the one of the table.
        FileNotFoundError: If the file is missing; says which command makes it.
    """
    folder = pathlib.Path(folder or weights_folder())
    table = read_table(folder)
    if name not in table:
        available = "\n".join(
            f"  {key}: {entry['description']}"
            for key, entry in table.items()
            if wanted_class in (None, entry["class"])
        )
        raise ValueError(
            f"There is no preset {name!r} in {folder}. Available:\n{available or '  (none)'}\n"
            "Or give the path of a `.keras` file."
        )
    entry = table[name]
    path = folder / entry["file"]
    if not path.is_file():
        raise FileNotFoundError(
            f"The weights of preset {name!r} are not at {path}. Make them with\n"
            f"  {entry['made_by']}"
        )
    checksum = file_sha256(path)
    if checksum != entry["sha256"]:
        raise ValueError(
            f"{path} is not preset {name!r}: expected sha256 {entry['sha256']}, found {checksum}. "
            f"Restore the file, or make it again with\n  {entry['made_by']}"
        )
    return path


def load_preset(
    model_class: type[keras.Model],
    name_or_path: str | os.PathLike,
    folder: str | os.PathLike | None = None,
) -> keras.Model:
    """Loads a network from a preset, or from a `.keras` file.

    Args:
        model_class: Class that the network must have; built when constructed.
        name_or_path: Preset name, or a path that ends in `.keras`.
        folder: Where to look for presets; the package's own weights by default.

    Raises:
        ValueError: If the preset is unknown or damaged, or holds another class of network, or the
            path does not end in `.keras`.
        FileNotFoundError: If the file is missing.
    """
    name = os.fspath(name_or_path)
    if name.endswith(".keras"):
        return _load_keras_file(model_class, pathlib.Path(name))
    if pathlib.Path(name).name != name or pathlib.Path(name).suffix:
        raise ValueError(
            f"{name} is neither a preset nor a `.keras` file, as networks are kept in."
        )
    path = preset_path(name, folder, model_class.__name__)
    entry = read_table(folder)[name]
    if entry["class"] != model_class.__name__:
        raise ValueError(
            f"Preset {name!r} is a network of class {entry['class']}. "
            f"Expected {model_class.__name__}."
        )
    model = model_class.from_config(entry["config"])
    model.load_weights(path)
    return model


def save_preset(
    model: keras.Model,
    folder: str | os.PathLike,
    name: str,
    *,
    description: str,
    made_by: str,
    half_precision: bool = True,
) -> pathlib.Path:
    """Writes `<folder>/<name>.weights.h5` and its entry of `presets.json`.

    A preset computes in float32, whatever policy it was trained with: half precision is fast only
    on machines that have units for it.

    Args:
        model: Built network whose class is built when constructed.
        folder: Folder of presets; made if missing.
        name: Preset name, letters, digits, `_` and `-`.
        description: One line for people who choose.
        made_by: Command that makes these weights.
        half_precision: Store kernels as float16 (error 2^-11 of a value); biases and statistics
            stay float32, whose range small variances need.

    Returns:
        Path of the weights file.

    Raises:
        ValueError: If `name` holds other characters, or a kernel has a value that is not finite
            in the stored precision.
    """
    check_name(name)
    path = pathlib.Path(folder) / f"{name}.weights.h5"
    with tempfile.TemporaryDirectory() as scratch:
        full = pathlib.Path(scratch) / path.name
        model.save_weights(full)
        with atomic_files.atomic_path(path) as temporary:
            _repack(full, temporary, half_precision)
    entry = {
        "class": type(model).__name__,
        "config": {**model.get_config(), "dtype": _FLOAT32},
        "file": path.name,
        "sha256": file_sha256(path),
        "parameters": model.count_params(),
        "description": description,
        "made_by": made_by,
    }
    table = {**read_table(folder), name: entry}
    json_files.write_json(path.with_name(TABLE), table)
    return path


def check_name(name: str) -> None:
    """Raises `ValueError` unless `name` can be that of a preset."""
    if not name.replace("_", "").replace("-", "").isalnum():
        raise ValueError(
            f"The name of a preset may hold letters, digits, `_` and `-` only. Received: {name!r}."
        )


def file_sha256(path: str | os.PathLike) -> str:
    """Hexadecimal sha256 of a file's bytes."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def weights_fingerprint(model: keras.Model) -> str:
    """Hexadecimal sha256 of a network's weights, in their order: shapes and float32 values.

    Equal for a network and its copy through a file of full precision. A preset of half precision
    holds other, rounded weights, and so has another fingerprint than the network it was made from.
    """
    digest = hashlib.sha256()
    for variable in model.variables:
        value = np.ascontiguousarray(variable, dtype="<f4")
        digest.update(f"{value.shape};".encode())
        digest.update(value.tobytes())
    return digest.hexdigest()


def _load_keras_file(model_class: type[keras.Model], path: pathlib.Path) -> keras.Model:
    if not path.is_file():
        raise FileNotFoundError(
            f"There is no network file {path}. A training writes it when it ends; a configuration "
            "that starts from it names the training in its first lines."
        )
    if not zipfile.is_zipfile(path):
        raise ValueError(f"{path} is not a readable `.keras` file: it is no archive.")
    try:
        model = keras.models.load_model(path, compile=False)
    except _UNREADABLE as error:
        raise ValueError(f"{path} is not a readable `.keras` file: {error}") from error
    if not isinstance(model, model_class):
        raise ValueError(
            f"{path} holds a network of class {type(model).__name__}. "
            f"Expected {model_class.__name__}."
        )
    return model


def _repack(source: pathlib.Path, target: pathlib.Path, half_precision: bool) -> None:
    """Copies a Keras weights file, compressed and, if asked, with kernels in float16."""
    with h5py.File(source, "r") as old, h5py.File(target, "w") as new:

        def copy(key, item):
            if isinstance(item, h5py.Group):
                new.require_group(key).attrs.update(item.attrs)
                return
            value = item[()]
            if half_precision and value.ndim >= 2 and value.dtype == np.float32:
                with np.errstate(over="ignore"):  # Reported below, with the weight's name.
                    value = value.astype(np.float16)
            if np.issubdtype(value.dtype, np.floating) and not np.isfinite(value).all():
                raise ValueError(f"Weight {key!r} has a value that {value.dtype} cannot hold.")
            options = {"compression": "gzip"} if value.ndim else {}
            new.create_dataset(key, data=value, **options).attrs.update(item.attrs)

        new.attrs.update(old.attrs)
        old.visititems(copy)
