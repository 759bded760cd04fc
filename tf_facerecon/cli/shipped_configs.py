"""Training configurations that ship with the package, found by name. Imports no TensorFlow."""

import importlib.resources
import pathlib


def shipped_folder() -> pathlib.Path:
    """The folder of shipped configurations inside the package."""
    return pathlib.Path(str(importlib.resources.files("tf_facerecon"))) / "configs"


def find_config(name_or_path: str) -> pathlib.Path:
    """The YAML file that a `--config` option refers to.

    Args:
        name_or_path: Path of a file, or the name of a shipped configuration (`smoke`). An existing
            file takes precedence.

    Returns:
        The path of the file; a name that is not shipped is returned as it is, so that reading it
        fails with its name.
    """
    path, shipped = pathlib.Path(name_or_path), shipped_folder() / f"{name_or_path}.yaml"
    return shipped if not path.is_file() and shipped.is_file() else path


def shipped_name(path: pathlib.Path) -> str | None:
    """The name under which `find_config` finds a file, or `None` if it is not a shipped one."""
    return path.stem if path.resolve().parent == shipped_folder().resolve() else None
