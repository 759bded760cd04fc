"""Trains the small identity network on procedural people, or goes on with a run that was stopped.

    python tools/train_identity_network.py --config configs/identity_small.yaml

A run may be killed at any moment; the same command goes on from the last checkpoint. With
`--out FOLDER` the result becomes the preset "identity_small" there (for developers: the package's
own folder of weights is tf_facerecon/weights).
"""

import argparse
import json
import os
import pathlib
import sys

# Before TensorFlow is imported: its start-up notes would bury the progress bar.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

PRESET = "identity_small"


def main(arguments: list[str] | None = None) -> int:
    """Runs the tool and returns its exit code."""
    options = parse_arguments(arguments)
    run_dir = options.run_dir or pathlib.Path("runs") / options.config.stem
    from tf_facerecon.training import identity_config, interruption

    try:
        config = identity_config.load_config(options.config, options.overrides)
        # Only now: TensorFlow takes seconds, a mistyped key should not.
        from tf_facerecon.networks import presets
        from tf_facerecon.training import identity_training

        network, report = identity_training.run(config, run_dir)
        folder = options.out or run_dir
        path = presets.save_preset(
            network,
            folder,
            PRESET,
            description="identity embedding for the perceptual loss, trained on procedural faces",
            made_by=f"python tools/train_identity_network.py --config {options.config.as_posix()}"
            " --out tf_facerecon/weights",
        )
    except interruption.REPORTED as error:
        message, exit_code = interruption.describe_failure(
            error, "The state is saved; the same command goes on."
        )
        print(message, file=sys.stderr)
        return exit_code
    print(json.dumps(report, indent=2))
    print(f"preset {PRESET!r}: {path}")
    return 0


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--config", type=pathlib.Path, required=True, help="YAML file of the run")
    parser.add_argument(
        "--run-dir", type=pathlib.Path, help="folder of the run; by default runs/<config's name>"
    )
    parser.add_argument(
        "--out", type=pathlib.Path, help="folder of presets; by default the folder of the run"
    )
    parser.add_argument(
        "overrides",
        nargs="*",
        metavar="section.key=value",
        help="a setting that wins over the file, for example schedule.steps=500",
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
