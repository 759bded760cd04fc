"""Trains a C-Net on image sets, or resumes an interrupted run.

    tf-facerecon train-c-net --config c_net_small
    tf-facerecon train-c-net --config c_net_paper data.folder=PEOPLE

A run can be killed at any moment: the same command resumes from the last checkpoint and ends with
the same weights as an uninterrupted run. All settings are documented in
tf_facerecon/training/c_net_config.py and config.py. Photographs are expected in one folder per
person.

The result is also saved as a preset, named after the configuration or by `--preset NAME`, in the
folder of the run or in `--out FOLDER` (for developers: the package's own weights are in
tf_facerecon/weights).
"""

import argparse
import pathlib

from tf_facerecon.cli import preset_commands, training_options
from tf_facerecon.training import c_net_config

DATA = {"synthetic": "synthetic people", "photos": "photographs"}


def main(arguments: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    options = parse_arguments(arguments)
    return training_options.report(lambda: train(options))


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    """Parses the command line."""
    parser = training_options.run_parser("train-c-net", __doc__)
    training_options.add_no_resume(parser)
    parser.add_argument(
        "--preset", metavar="NAME", help="name of the preset; by default that of the configuration"
    )
    training_options.add_out(parser)
    return parser.parse_intermixed_args(arguments)


def train(options: argparse.Namespace) -> str:
    """Trains, and returns a summary of the run."""
    run_dir = training_options.run_folder(options)
    config = c_net_config.load_config(options.config, options.overrides)
    # Imported after the configuration is checked: TensorFlow takes seconds to load.
    from tf_facerecon.models import presets
    from tf_facerecon.training import c_net_training

    name = options.preset or options.config.stem
    presets.check_name(name)  # Fail before training, not after it.
    print(f"Training in {run_dir}; watch it: tensorboard --logdir {run_dir}/logs", flush=True)
    result = c_net_training.run(config, run_dir, resume=not options.no_resume)
    path = save_preset(result.network_path, name, config, options, run_dir)
    further = {"history": run_dir / "history.csv", "preset": f"{name!r}, {path}"}
    if config.network.train_r_net:
        further["R-Net"] = f"{run_dir / 'r_net.keras'}, the only one that this C-Net works with"
    return training_options.describe_result(result, further)


def save_preset(
    network_path: pathlib.Path, name: str, config, options, run_dir: pathlib.Path
) -> pathlib.Path:
    """Saves the trained network as a preset and returns the path of its weights."""
    from tf_facerecon.models import presets
    from tf_facerecon.models.c_net import CNet

    return presets.save_preset(
        CNet.from_preset(network_path),
        options.out or run_dir,
        name,
        description="confidence of each photograph of a set, trained on " + DATA[config.data.kind],
        made_by=preset_commands.preset_command(
            "train-c-net",
            options.config,
            preset=options.preset,
            out=options.out,
            overrides=options.overrides,
            starts_from=config.network.r_net,
        ),
    )
