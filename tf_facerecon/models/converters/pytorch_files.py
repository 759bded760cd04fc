"""Weights from untrusted PyTorch files: tensors and plain values only, nothing is executed."""

import os
import pathlib
import pickle
import re
from collections.abc import Mapping

import numpy as np

from tf_facerecon.models.converters import weight_checks

NORMALIZATION = ("weight", "bias", "running_mean", "running_var")  # Gamma, beta, mean, variance.
COUNTER = "num_batches_tracked"  # Of every normalisation: a count, not a weight.
# Before 2.6 `weights_only=True` did not keep code from running (CVE-2025-32434).
_OLDEST_TORCH = (2, 6)


def read_state(
    path: str | os.PathLike,
    expected: Mapping[str, tuple[int, ...]],
    entry: str | None = None,
    skip: str | None = None,
) -> dict[str, np.ndarray]:
    """Reads the state dict of a network from a `.pth` file.

    Args:
        path: The file.
        expected: Shapes of all entries by name, counters included. Counters may be missing: files
            of early versions of PyTorch have none.
        entry: Name under which a checkpoint holds the state dict; files that hold nothing else are
            read, too.
        skip: Start of the names of entries that are not read.

    Returns:
        The weights by name, float32, without counters.

    Raises:
        ImportError: If PyTorch is not installed, or too old to read untrusted files.
        FileNotFoundError: If there is no such file.
        ValueError: If the file is no PyTorch file, holds anything but tensors and plain values
            (which is not executed), or if an entry is missing, unknown or of another shape.
    """
    path = pathlib.Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no PyTorch checkpoint {path}.")
    torch = import_torch()
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # The reader raises whatever a damaged file runs into.
        raise ValueError(
            f"{path} is not a PyTorch checkpoint of tensors and plain values, and nothing in it "
            f"was executed: {_reason(error)}"
        ) from error
    state = content.get(entry, content) if isinstance(content, Mapping) else None
    if not isinstance(state, Mapping):
        wanted = "a state dict" if entry is None else f"a dict with the entry {entry!r}"
        raise ValueError(f"{path} holds no network: expected {wanted}.")
    tensors = {
        str(name): _check_tensor(name, value, path.name)
        for name, value in state.items()
        if skip is None or not str(name).startswith(skip)
    }
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    required = {
        name: shape
        for name, shape in expected.items()
        if name in shapes or not name.endswith(COUNTER)
    }
    weight_checks.check_entries(shapes, required, path.name)
    return {
        name: weight_checks.check_finite(tensor.to(torch.float32).numpy(), name, path.name)
        for name, tensor in tensors.items()
        if not name.endswith(COUNTER)
    }


def _reason(error: Exception) -> str:
    """What PyTorch says of a file, without its advice to load it nevertheless."""
    if isinstance(error, pickle.UnpicklingError):
        refused = re.search(r"GLOBAL ([\w.]+)", str(error))
        return f"it refers to {refused[1]}" if refused else "its pickle is damaged or holds code"
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__


def _check_tensor(name, value, source: str):
    """A dense tensor, without its gradient; `ValueError` if `value` is something else."""
    torch = import_torch()
    is_tensor = isinstance(value, torch.Tensor)
    if not is_tensor or value.layout != torch.strided or value.is_quantized or value.is_meta:
        raise ValueError(
            f"Entry {name!r} of {source} must be a dense tensor. Received: {type(value).__name__}."
        )
    if not value.is_floating_point() and not str(name).endswith(COUNTER):
        raise ValueError(f"Entry {name!r} of {source} must hold floats. Received: {value.dtype}.")
    return value.detach()


def import_torch():
    """PyTorch; raises `ImportError` that says how to install it."""
    try:
        import torch
    except ImportError as error:
        raise ImportError(
            "Reading a .pth file needs PyTorch: `pip install torch`, or `pip install "
            "'tf_facerecon[torch]'`. The converted file does not."
        ) from error
    version = tuple(int(part) for part in torch.__version__.split("+")[0].split(".")[:2])
    if version < _OLDEST_TORCH:
        raise ImportError(
            "Reading a .pth file needs PyTorch 2.6 or newer: older ones may run code that is in "
            f"the file. Received: {torch.__version__}."
        )
    return torch
