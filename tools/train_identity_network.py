"""Trains the small identity network on procedural people, or goes on with a run that was stopped.

    python tools/train_identity_network.py --config configs/identity_small.yaml

A run may be killed at any moment; the same command goes on from the last checkpoint. The result
becomes the preset "identity_small" in the folder of the run or in `--out FOLDER` (for developers:
the package's own folder of weights is tf_facerecon/weights).
"""

import argparse
import json
import os
import pathlib
import sys

# Before TensorFlow is imported: its start-up notes would bury the progress bar.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from tf_facerecon.cli import preset_commands, training_options
from tf_facerecon.training import identity_config

ROOT = pathlib.Path(__file__).resolve().parents[1]
PRESET = "identity_small"


def main(arguments: list[str] | None = None) -> int:
    """Runs the tool and returns its exit code."""
    options = parse_arguments(arguments)
    return training_options.report(lambda: train(options))


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = training_options.run_parser(__doc__)
    training_options.add_out(parser)
    return parser.parse_intermixed_args(arguments)


def train(options: argparse.Namespace) -> str:
    """Trains, and returns what a person wants to know at the end."""
    run_dir = training_options.run_folder(options)
    config = identity_config.load_config(options.config, options.overrides)
    # Only now: TensorFlow takes seconds, a mistyped key should not.
    from tf_facerecon.models import presets
    from tf_facerecon.training import identity_training

    network, report = identity_training.run(config, run_dir)
    path = presets.save_preset(
        network,
        options.out or run_dir,
        PRESET,
        description="identity embedding for the perceptual loss, trained on procedural faces",
        made_by=preset_commands.preset_command(
            "tools/train_identity_network.py",
            options.config,
            root=ROOT,
            out=options.out,
            overrides=options.overrides,
            starts_from=config.network.initial_r_net,
        ),
    )
    return f"{json.dumps(report, indent=2)}\npreset {PRESET!r}: {path}"


if __name__ == "__main__":
    sys.exit(main())
