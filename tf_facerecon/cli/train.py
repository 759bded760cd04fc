r"""Trains an R-Net from a YAML configuration, or resumes an interrupted run.

    tf-facerecon train --config smoke
    tf-facerecon train --config r_net_small optimizer.learning_rate=5e-4
    tf-facerecon train --config r_net_photos data.folder=my_photos
    tf-facerecon train --config my_settings.yaml

A run can be killed at any moment: the same command resumes from the last checkpoint and ends with
the same weights as an uninterrupted run. All settings are documented in
tf_facerecon/training/config.py; those that a run used are stored in its folder as
resolved_config.yaml.

With `--preset NAME` the network is also saved as a preset, at half the size, in the folder of the
run or in `--out FOLDER`; a finished run is not trained again. The shipped network is made by

    tf-facerecon train --config r_net_small --preset r_net_small --out tf_facerecon/weights
"""

import argparse
import pathlib

from tf_facerecon.cli import preset_commands, training_options
from tf_facerecon.training import config as run_config

BACKBONES = {"small": "a small network for CPUs", "resnet50": "ResNet-50"}
DATA = {
    "synthetic": "synthetic faces",
    "photos": "photographs",
    "deep3d_tensorflow": "photographs",
    "deep3d_pytorch": "photographs",
}


def main(arguments: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    options = parse_arguments(arguments)
    return training_options.report(lambda: train(options))


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    """Parses the command line."""
    parser = training_options.run_parser("train", __doc__)
    training_options.add_no_resume(parser)
    parser.add_argument(
        "--preset", metavar="NAME", help="also save the network as a preset of this name"
    )
    training_options.add_out(parser)
    options = parser.parse_intermixed_args(arguments)
    if options.out and not options.preset:
        parser.error("--out is the folder of a preset: it needs --preset NAME")
    return options


def train(options: argparse.Namespace) -> str:
    """Trains, and returns a summary of the run."""
    run_dir = training_options.run_folder(options)
    config = run_config.load_config(options.config, options.overrides)
    # Imported after the configuration is checked: TensorFlow takes seconds to load.
    from tf_facerecon.models import presets
    from tf_facerecon.training import r_net_training

    if options.preset:
        presets.check_name(options.preset)  # Fail before training, not after it.
    print(f"Training in {run_dir}; watch it: tensorboard --logdir {run_dir}/logs", flush=True)
    result = r_net_training.run(config, run_dir, resume=not options.no_resume)
    further = {
        "history": run_dir / "history.csv",
        "images": run_dir / "panels",
        "curves": f"tensorboard --logdir {run_dir / 'logs'}",
    }
    if options.preset:
        path = save_preset(result.network_path, config, options, run_dir)
        further["preset"] = f"{options.preset!r}, {path}"
    return training_options.describe_result(result, further)


def save_preset(r_net_path: pathlib.Path, config, options, run_dir: pathlib.Path) -> pathlib.Path:
    """Saves the trained network as a preset and returns the path of its weights."""
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
    """The commands that make the preset, free of paths of this machine."""
    return preset_commands.preset_command(
        "train",
        options.config,
        preset=options.preset,
        out=options.out,
        overrides=options.overrides,
        starts_from=starts_from,
    )
