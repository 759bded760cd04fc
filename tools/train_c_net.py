"""Trains a C-Net on image sets, or goes on with a run that was stopped.

    python tools/train_c_net.py --config configs/c_net_small.yaml
    python tools/train_c_net.py --config configs/c_net_paper.yaml data.folder=PEOPLE

A run may be killed at any moment: the same command goes on from the last checkpoint and ends with
the same weights as a run left alone. Every setting, with its meaning, stands in
tf_facerecon/training/c_net_config.py and config.py. Photographs lie in one folder per person.

The result becomes a preset, too, named as the configuration file or by `--preset NAME`, in the
folder of the run or in `--out FOLDER` (for developers: the package's own folder of weights is
tf_facerecon/weights).
"""

import argparse
import os
import pathlib
import sys

# Before TensorFlow is imported: its start-up notes would bury the progress bar.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from tf_facerecon.cli import preset_commands, training_options
from tf_facerecon.training import c_net_config

ROOT = pathlib.Path(__file__).resolve().parents[1]
DATA = {"synthetic": "procedural people", "photos": "photographs"}


def main(arguments: list[str] | None = None) -> int:
    """Runs the tool and returns its exit code."""
    options = parse_arguments(arguments)
    return training_options.report(lambda: train(options))


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = training_options.run_parser(__doc__)
    training_options.add_no_resume(parser)
    parser.add_argument("--preset", metavar="NAME", help="its name; by default the file's")
    training_options.add_out(parser)
    return parser.parse_intermixed_args(arguments)


def train(options: argparse.Namespace) -> str:
    """Trains, and returns what a person wants to know at the end."""
    run_dir = training_options.run_folder(options)
    config = c_net_config.load_config(options.config, options.overrides)
    # Only now: TensorFlow takes seconds, a mistyped key should not.
    from tf_facerecon.models import presets
    from tf_facerecon.training import c_net_training

    name = options.preset or options.config.stem
    presets.check_name(name)  # Not after hours of training.
    print(f"Training in {run_dir}; watch it: tensorboard --logdir {run_dir}/logs", flush=True)
    result = c_net_training.run(config, run_dir, resume=not options.no_resume)
    path = save_preset(result.network_path, name, config, options, run_dir)
    further = {"history": run_dir / "history.csv", "preset": f"{name!r}, {path}"}
    if config.network.train_r_net:
        further["R-Net"] = f"{run_dir / 'r_net.keras'}, the only one that this C-Net goes with"
    return training_options.describe_result(result, further)


def save_preset(
    network_path: pathlib.Path, name: str, config, options, run_dir: pathlib.Path
) -> pathlib.Path:
    """Makes the trained network a preset and returns the path of its weights."""
    from tf_facerecon.models import presets
    from tf_facerecon.models.c_net import CNet

    return presets.save_preset(
        CNet.from_preset(network_path),
        options.out or run_dir,
        name,
        description="confidence of each photograph of a set, trained on " + DATA[config.data.kind],
        made_by=preset_commands.preset_command(
            "tools/train_c_net.py",
            options.config,
            root=ROOT,
            preset=options.preset,
            out=options.out,
            overrides=options.overrides,
        ),
    )


if __name__ == "__main__":
    sys.exit(main())
