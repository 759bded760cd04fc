"""The command that reproduces a preset, for its entry in the table of presets."""

import json
import pathlib
import shlex
from collections.abc import Iterable

from tf_facerecon.cli import shipped_configs, training_options
from tf_facerecon.training import config as run_config


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
        starts_from: R-Net on which the training is based. If it is the output of `tf-facerecon
            train` with a shipped configuration, that command comes first, and so on.
    """
    name = shipped_configs.shipped_name(config) or portable(config)
    words = ["tf-facerecon", command, "--config", name]
    words += ["--preset", preset] if preset else []
    words += ["--out", portable(out)] if out else []
    for override in overrides:
        key, equals, value = override.partition("=")
        is_path = pathlib.Path(value).is_absolute()
        words.append(key + equals + (portable(pathlib.Path(value)) if is_path else value))
    return " && ".join([*_commands_before(starts_from), shlex.join(words)])


def _commands_before(r_net: str | None, later: tuple[pathlib.Path, ...] = ()) -> list[str]:
    """The commands that write the R-Net `runs/<name>/r_net.keras`, `<name>` a shipped config.

    The run may have been started with other settings than the shipped ones, and from an R-Net that
    was trained before it; both are in its `resolved_config.yaml`.

    Args:
        r_net: Path of the R-Net, or a preset.
        later: Configurations of the runs that follow, so that none is named twice.

    Returns:
        In the order to be run; empty for any other R-Net.
    """
    path = pathlib.Path(r_net or "")
    config = shipped_configs.shipped_folder() / f"{path.parent.name}.yaml"
    is_default = path == training_options.default_run_folder(config) / "r_net.keras"
    if not is_default or not config.is_file() or config in later:
        return []
    resolved = path.parent / "resolved_config.yaml"
    try:
        shipped = run_config.load_config(config)
        settings = run_config.load_config(resolved) if resolved.is_file() else shipped
    except ValueError:  # Of a run of another command.
        return []
    differing = run_config.differing_settings(shipped, settings)
    overrides = [
        f"{key}={now if isinstance(now, str) else json.dumps(now)}"
        for key, (_, now) in differing.items()
    ]
    before = _commands_before(settings.network.initial_weights, (*later, config))
    return [*before, preset_command("train", config, overrides=overrides)]


def portable(path: pathlib.Path) -> str:
    """A path relative to the current folder; of one outside of it, the last part."""
    path, here = path.resolve(), pathlib.Path.cwd()
    return path.relative_to(here).as_posix() if path.is_relative_to(here) else path.name
