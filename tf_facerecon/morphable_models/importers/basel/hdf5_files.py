"""Arrays and texts out of HDF5 files that nobody vouches for.

Shapes and sizes are checked before anything is read, and nothing is read from other files, whatever
a file says about where its contents are.
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
    """Reads a data set of finite numbers.

    Args:
        file: The open file.
        name: Path of the data set in it.
        label: What to call the file in messages.
        shape: Expected size of each axis; `None` stands for any size but 0.

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
    """Reads a text: depending on its writer one string, or an array of one, or of characters.

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
        hash(dataset.dtype)  # Of a damaged file not even the type can be read.
    except (ValueError, TypeError, RuntimeError) as error:
        raise ValueError(f"`{name}` of {label} is damaged: {error}") from error
    if elsewhere:
        raise ValueError(f"`{name}` of {label} must not lie in another file.")
    return dataset
