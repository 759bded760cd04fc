"""The command that makes a preset again, for its entry in the table of presets."""

import pathlib
import shlex
from collections.abc import Iterable


def preset_command(
    tool: str,
    config: pathlib.Path,
    *,
    root: pathlib.Path,
    preset: str | None = None,
    out: pathlib.Path | None = None,
    overrides: Iterable[str] = (),
) -> str:
    """A command line for a shell, without a path that only this machine has.

    Args:
        tool: Path of the tool, seen from the repository.
        config: Its `--config`.
        root: Folder of the repository.
        preset: Its `--preset`, if it takes one.
        out: Its `--out`, if given.
        overrides: `section.key=value` texts.
    """
    words = ["python", tool, "--config", portable(config, root)]
    words += ["--preset", preset] if preset else []
    words += ["--out", portable(out, root)] if out else []
    for override in overrides:
        key, equals, value = override.partition("=")
        is_path = pathlib.Path(value).is_absolute()
        words.append(key + equals + (portable(pathlib.Path(value), root) if is_path else value))
    return shlex.join(words)


def portable(path: pathlib.Path, root: pathlib.Path) -> str:
    """A path seen from the folder `root`; of one outside, what comes last."""
    path = path.resolve()
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name
