"""The command that makes a preset again, for its entry in the table of presets."""

import pathlib
import shlex
from collections.abc import Iterable

from tf_facerecon.cli import training_options


def preset_command(
    tool: str,
    config: pathlib.Path,
    *,
    root: pathlib.Path,
    preset: str | None = None,
    out: pathlib.Path | None = None,
    overrides: Iterable[str] = (),
    starts_from: str | None = None,
) -> str:
    """A command line for a shell, without a path that only this machine has.

    Args:
        tool: Path of the tool, seen from the repository.
        config: Its `--config`.
        root: Folder of the repository.
        preset: Its `--preset`, if it takes one.
        out: Its `--out`, if given.
        overrides: `section.key=value` texts.
        starts_from: R-Net whose weights are the start. If it is one that `tools/train.py` leaves in
            the folder of a run of the repository's configurations, its command comes first.
    """
    words = ["python", tool, "--config", portable(config, root)]
    words += ["--preset", preset] if preset else []
    words += ["--out", portable(out, root)] if out else []
    for override in overrides:
        key, equals, value = override.partition("=")
        is_path = pathlib.Path(value).is_absolute()
        words.append(key + equals + (portable(pathlib.Path(value), root) if is_path else value))
    first = _training_command(starts_from, root)
    return f"{first} && {shlex.join(words)}" if first else shlex.join(words)


def _training_command(r_net: str | None, root: pathlib.Path) -> str | None:
    """The command that trains the R-Net `runs/<name>/r_net.keras` by `configs/<name>.yaml`."""
    path = pathlib.Path(r_net or "")
    config = root / "configs" / f"{path.parent.name}.yaml"
    if path != training_options.default_run_folder(config) / "r_net.keras" or not config.is_file():
        return None
    return preset_command("tools/train.py", config, root=root)


def portable(path: pathlib.Path, root: pathlib.Path) -> str:
    """A path seen from the folder `root`; of one outside, what comes last."""
    path = path.resolve()
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name
