r"""Trains an R-Net as a YAML file describes, or goes on with a run that was stopped.

    python tools/train.py --config configs/smoke.yaml
    python tools/train.py --config configs/r_net_small.yaml optimizer.learning_rate=5e-4
    python tools/train.py --config configs/r_net_photos.yaml data.folder=my_photos

A run may be killed at any moment: the same command goes on from the last checkpoint and ends with
the same weights as a run left alone. Every setting, with its meaning, stands in
tf_facerecon/training/config.py; what a run used is kept in its folder as resolved_config.yaml.

With `--preset NAME` the network also becomes a preset, half as large, in the folder of the run or
in `--out FOLDER`; a run that is finished is not trained again. This makes the shipped network:

    python tools/train.py --config configs/r_net_small.yaml
    python tools/train.py --config configs/r_net_small_lifelike.yaml --preset r_net_small \
        --out tf_facerecon/weights
"""

import argparse
import os
import pathlib
import sys

# Before TensorFlow is imported: its start-up notes would bury the progress bar.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from tf_facerecon.cli import preset_commands, training_options
from tf_facerecon.training import config as run_config

ROOT = pathlib.Path(__file__).resolve().parents[1]
BACKBONES = {"small": "a small network for CPUs", "resnet50": "ResNet-50"}
DATA = {"synthetic": "procedural faces", "photos": "photographs"}


def main(arguments: list[str] | None = None) -> int:
    """Runs the tool and returns its exit code."""
    options = parse_arguments(arguments)
    return training_options.report(lambda: train(options))


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = training_options.run_parser(__doc__)
    training_options.add_no_resume(parser)
    parser.add_argument("--preset", metavar="NAME", help="make the network a preset of this name")
    training_options.add_out(parser)
    options = parser.parse_intermixed_args(arguments)
    if options.out and not options.preset:
        parser.error("--out is the folder of a preset: give its --preset NAME, too")
    return options


def train(options: argparse.Namespace) -> str:
    """Trains, and returns what a person wants to know at the end."""
    run_dir = training_options.run_folder(options)
    config = run_config.load_config(options.config, options.overrides)
    # Only now: TensorFlow takes seconds, a mistyped key should not.
    from tf_facerecon.models import presets
    from tf_facerecon.training import r_net_training

    if options.preset:
        presets.check_name(options.preset)  # Not after hours of training.
    print(f"Training in {run_dir}; watch it: tensorboard --logdir {run_dir}/logs", flush=True)
    result = r_net_training.run(config, run_dir, resume=not options.no_resume)
    further = {
        "history": run_dir / "history.csv",
        "pictures": run_dir / "panels",
        "curves": f"tensorboard --logdir {run_dir / 'logs'}",
    }
    if options.preset:
        path = save_preset(result.network_path, config, options, run_dir)
        further["preset"] = f"{options.preset!r}, {path}"
    return training_options.describe_result(result, further)


def save_preset(r_net_path: pathlib.Path, config, options, run_dir: pathlib.Path) -> pathlib.Path:
    """Makes the trained network a preset and returns the path of its weights."""
    from tf_facerecon.models import presets
    from tf_facerecon.models.r_net import RNet

    return presets.save_preset(
        RNet.from_preset(r_net_path),
        options.out or run_dir,
        options.preset,
        description=f"photograph to face coefficients by {BACKBONES[config.network.backbone]}, "
        f"trained on {DATA[config.data.kind]}",
        made_by=made_by(options, config.network.initial_weights),
    )


def made_by(options: argparse.Namespace, starts_from: str | None) -> str:
    """The commands that make the preset, without a path that only this machine has."""
    return preset_commands.preset_command(
        "tools/train.py",
        options.config,
        root=ROOT,
        preset=options.preset,
        out=options.out,
        overrides=options.overrides,
        starts_from=starts_from,
    )


if __name__ == "__main__":
    sys.exit(main())
