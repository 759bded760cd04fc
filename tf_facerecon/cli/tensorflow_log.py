"""Keeps TensorFlow's start-up log out of the messages of a command. Imports no TensorFlow.

TensorFlow 2.21 writes some lines before it reads `TF_CPP_MIN_LOG_LEVEL`, and an error of CUDA on
every machine without a GPU. They come from C++ and go to the file descriptor of standard error.
"""

import contextlib
import importlib.abc
import importlib.util
import os
import pathlib
import re
import sys
import tempfile
from collections.abc import Iterator

_NVIDIA_DEVICES = ("/dev/nvidiactl", "/dev/dxg")  # The latter on Windows' Linux.
_START_UP = re.compile(
    r"WARNING: All log messages before absl::InitializeLog|[IW]\d{4} [\d:. ]+\d+ \S+:\d+\]"
    r"|To enable the following instructions"
)
_NO_GPU = re.compile(r"E\d{4} .*failed call to cuInit")


def hide_start_up_log() -> None:
    """Hides the start-up log when TensorFlow is imported; does nothing if it already has been."""
    if "tensorflow" not in sys.modules:
        sys.meta_path.insert(0, _TensorFlowFinder())


class _TensorFlowFinder(importlib.abc.MetaPathFinder):
    """Finds TensorFlow once, where the other finders do, and hides what its import logs."""

    def find_spec(self, fullname, path=None, target=None):
        if fullname != "tensorflow":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec is not None and spec.loader is not None:
            run = spec.loader.exec_module

            def run_quietly(module):
                with _filtered_standard_error():
                    run(module)
                    module.config.list_physical_devices()  # Starts CUDA, which logs as well.

            spec.loader.exec_module = run_quietly
        return spec


@contextlib.contextmanager
def _filtered_standard_error() -> Iterator[None]:
    """Holds back what is written to the file descriptor; passes on what is not `_is_noise`."""
    sys.stderr.flush()
    with tempfile.TemporaryFile() as log:
        saved = os.dup(2)
        os.dup2(log.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(saved, 2)
            os.close(saved)
            log.seek(0)
            lines = log.read().decode("utf-8", "replace").splitlines(keepends=True)
            sys.stderr.writelines(line for line in lines if not _is_noise(line))


def _is_noise(line: str) -> bool:
    """Whether a line of the log tells the user nothing; errors of CUDA do where there is a GPU."""
    has_gpu = any(pathlib.Path(device).exists() for device in _NVIDIA_DEVICES)
    return bool(_START_UP.match(line) or (_NO_GPU.match(line) and not has_gpu))
