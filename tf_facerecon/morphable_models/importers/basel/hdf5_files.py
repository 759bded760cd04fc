"""Arrays and strings from untrusted HDF5 files.

Shapes and sizes are checked before data are read, and links to other files (external storage,
virtual data sets) are refused.
"""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import h5py

MAX_ELEMENTS = 1 << 27
MAX_TEXT_BYTES = 1 << 22


def read_array(
    file: "h5py.File", name: str, label: str, shape: tuple[int | None, ...]
) -> np.ndarray:
    """Reads a data set of finite real numbers.

    Args:
        file: The open file.
        name: Path of the data set in it.
        label: Name of the file in error messages.
        shape: Expected size of each axis; `None` allows any size except 0.

    Raises:
        ValueError: If there is no such data set, its shape differs, it lies in another file, or it
            holds anything but finite real numbers.
    """
    dataset = _dataset(file, name, label)
    fits = len(dataset.shape or ()) == len(shape) and all(
        got == want or (want is None and got > 0)
        for want, got in zip(shape, dataset.shape, strict=True)
    )
    if not fits or dataset.dtype.kind not in "fiu" or dataset.size > MAX_ELEMENTS:
        expected = ", ".join("any" if size is None else str(size) for size in shape)
        raise ValueError(
            f"`{name}` of {label} must hold numbers of shape [{expected}]. "
            f"Received: {dataset.dtype}, shape {dataset.shape}."
        )
    array = dataset[()]
    if not np.isfinite(array).all():
        raise ValueError(f"`{name}` of {label} must hold finite numbers.")
    return array


def read_text(file: "h5py.File", name: str, label: str) -> str | bytes:
    """Reads a string: a scalar, an array of one string, or an array of characters.

    Raises:
        ValueError: If there is no such data set, it is too large, or it lies in another file.
    """
    dataset = _dataset(file, name, label)
    if dataset.nbytes > MAX_TEXT_BYTES:
        raise ValueError(f"`{name}` of {label} is too large: {dataset.nbytes} bytes.")
    stored = np.asarray(dataset[()])
    return stored.item() if stored.size == 1 else stored.tobytes().rstrip(b"\0")


def _dataset(file: "h5py.File", name: str, label: str) -> "h5py.Dataset":
    import h5py

    dataset = file.get(name)
    if not isinstance(dataset, h5py.Dataset):
        raise ValueError(f"{label} lacks the data set `{name}`.")
    try:
        elsewhere = dataset.external or dataset.is_virtual or dataset.file.filename != file.filename
        hash(dataset.dtype)  # Raises for damaged data types.
    except (ValueError, TypeError, RuntimeError) as error:
        raise ValueError(f"`{name}` of {label} is damaged: {error}") from error
    if elsewhere:
        raise ValueError(f"`{name}` of {label} must not lie in another file.")
    return dataset
