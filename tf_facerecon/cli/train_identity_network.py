"""Trains the small identity network on synthetic people, or resumes an interrupted run.

    tf-facerecon train-identity-network --config identity_small

A run can be killed at any moment; the same command resumes from the last checkpoint. The result is
saved as the preset "identity_small" in the folder of the run or in `--out FOLDER` (for developers:
the package's own weights are in tf_facerecon/weights).
"""

import argparse
import json

from tf_facerecon.cli import preset_commands, training_options
from tf_facerecon.training import identity_config

PRESET = "identity_small"


def main(arguments: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    options = parse_arguments(arguments)
    return training_options.report(lambda: train(options))


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    """Parses the command line."""
    parser = training_options.run_parser("train-identity-network", __doc__)
    training_options.add_out(parser)
    return parser.parse_intermixed_args(arguments)


def train(options: argparse.Namespace) -> str:
    """Trains, and returns a summary of the run."""
    run_dir = training_options.run_folder(options)
    config = identity_config.load_config(options.config, options.overrides)
    # Imported after the configuration is checked: TensorFlow takes seconds to load.
    from tf_facerecon.models import presets
    from tf_facerecon.training import identity_training

    network, report = identity_training.run(config, run_dir)
    path = presets.save_preset(
        network,
        options.out or run_dir,
        PRESET,
        description="identity embedding for the perceptual loss, trained on procedural faces",
        made_by=preset_commands.preset_command(
            "train-identity-network",
            options.config,
            out=options.out,
            overrides=options.overrides,
            starts_from=config.network.initial_r_net,
        ),
    )
    return f"{json.dumps(report, indent=2)}\npreset {PRESET!r}: {path}"
