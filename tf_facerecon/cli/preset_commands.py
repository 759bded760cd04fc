"""The command that reproduces a preset, for its entry in the table of presets."""

import pathlib
import shlex
from collections.abc import Iterable

from tf_facerecon.cli import shipped_configs, training_options


def preset_command(
    command: str,
    config: pathlib.Path,
    *,
    preset: str | None = None,
    out: pathlib.Path | None = None,
    overrides: Iterable[str] = (),
    starts_from: str | None = None,
) -> str:
    """A shell command to be run in the current folder, free of absolute paths of this machine.

    Args:
        command: Subcommand of `tf-facerecon`.
        config: Its `--config`; a shipped configuration is given by name.
        preset: Its `--preset`, if any.
        out: Its `--out`, if given.
        overrides: `section.key=value` texts.
        starts_from: R-Net whose weights are the initial ones. If it is the output of
            `tf-facerecon train` with a shipped configuration, that command comes first.
    """
    name = shipped_configs.shipped_name(config) or portable(config)
    words = ["tf-facerecon", command, "--config", name]
    words += ["--preset", preset] if preset else []
    words += ["--out", portable(out)] if out else []
    for override in overrides:
        key, equals, value = override.partition("=")
        is_path = pathlib.Path(value).is_absolute()
        words.append(key + equals + (portable(pathlib.Path(value)) if is_path else value))
    first = _training_command(starts_from)
    return f"{first} && {shlex.join(words)}" if first else shlex.join(words)


def _training_command(r_net: str | None) -> str | None:
    """The command that writes the R-Net `runs/<name>/r_net.keras`, `<name>` a shipped config."""
    path = pathlib.Path(r_net or "")
    config = shipped_configs.shipped_folder() / f"{path.parent.name}.yaml"
    if path != training_options.default_run_folder(config) / "r_net.keras" or not config.is_file():
        return None
    return preset_command("train", config)


def portable(path: pathlib.Path) -> str:
    """A path relative to the current folder; of one outside of it, the last part."""
    path, here = path.resolve(), pathlib.Path.cwd()
    return path.relative_to(here).as_posix() if path.is_relative_to(here) else path.name
