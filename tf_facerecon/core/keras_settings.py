"""Keras' global settings on the user's machine: the backend, and the defaults of new layers.

They come from the environment, `~/.keras/keras.json` or `keras.config`. The package runs on the
TensorFlow backend; its own layers and networks do not depend on the other settings.
"""

import contextlib
import json
import os
import pathlib
import sys
import threading
import warnings
from collections.abc import Iterator

_BACKEND = "tensorflow"
_lock = threading.RLock()


def choose_backend() -> None:
    """Makes Keras start on TensorFlow, with a warning if another backend is configured.

    Raises:
        ImportError: If Keras has been imported already and runs on another backend.
    """
    if "keras" in sys.modules:
        import keras

        if keras.config.backend() != _BACKEND:
            raise ImportError(
                "tf_facerecon needs Keras on its TensorFlow backend, but Keras runs on "
                f"{keras.config.backend()!r} in this process: set KERAS_BACKEND=tensorflow, or "
                "import tf_facerecon before keras."
            )
        return
    configured = os.environ.get("KERAS_BACKEND") or _backend_of_keras_json()
    if configured not in (None, _BACKEND):
        os.environ["KERAS_BACKEND"] = _BACKEND
        warnings.warn(
            f"tf_facerecon runs Keras on TensorFlow in this process; {configured!r} is configured "
            "(KERAS_BACKEND or keras.json).",
            stacklevel=3,
        )


@contextlib.contextmanager
def layer_defaults() -> Iterator[None]:
    """Builds layers of other packages with Keras' own defaults: channels last, float32.

    Such packages do not give `data_format` and `dtype`. Own layers do, because the settings are
    global and other threads see them change.
    """
    import keras

    with _lock:
        data_format, floatx = keras.config.image_data_format(), keras.config.floatx()
        policy = keras.config.dtype_policy()
        keras.config.set_image_data_format("channels_last")
        keras.config.set_floatx("float32")
        keras.config.set_dtype_policy("float32")
        try:
            yield
        finally:
            keras.config.set_image_data_format(data_format)
            keras.config.set_floatx(floatx)
            keras.config.set_dtype_policy(policy)


def _backend_of_keras_json() -> str | None:
    """The backend in Keras' configuration file, if there is one."""
    folder = pathlib.Path(os.environ.get("KERAS_HOME") or pathlib.Path.home() / ".keras")
    try:
        settings = json.loads((folder / "keras.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return settings.get("backend") if isinstance(settings, dict) else None
