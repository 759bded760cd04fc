"""Trains a C-Net on image sets, or goes on with a run that was stopped.

    python tools/train_c_net.py --config configs/c_net_small.yaml
    python tools/train_c_net.py --config configs/c_net_paper.yaml data.folder=PEOPLE

A run may be killed at any moment: the same command goes on from the last checkpoint and ends with
the same weights as a run left alone. Every setting, with its meaning, stands in
tf_facerecon/training/c_net_config.py and config.py. Photographs lie in one folder per person.

The result becomes a preset, too, named as the configuration file, in the folder of the run or in
`--out FOLDER` (for developers: the package's own folder of weights is tf_facerecon/weights).
"""

import argparse
import os
import pathlib
import sys

# Before TensorFlow is imported: its start-up notes would bury the progress bar.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

ROOT = pathlib.Path(__file__).resolve().parents[1]
DATA = {"procedural": "procedural people", "photos": "photographs"}


def main(arguments: list[str] | None = None) -> int:
    """Runs the tool and returns its exit code."""
    options = parse_arguments(arguments)
    run_dir = options.run_dir or pathlib.Path("runs") / options.config.stem
    from tf_facerecon.training import c_net_config, interruption

    try:
        config = c_net_config.load_config(options.config, options.overrides)
        # Only now: TensorFlow takes seconds, a mistyped key should not.
        from tf_facerecon.training import c_net_training

        print(f"Training in {run_dir}; watch it: tensorboard --logdir {run_dir}/logs", flush=True)
        result = c_net_training.run(config, run_dir, resume=not options.no_resume)
        path = save_preset(result.network_path, config, options, run_dir)
    except interruption.REPORTED as error:
        message, exit_code = interruption.describe_failure(
            error, "The state is saved; the same command goes on."
        )
        print(message, file=sys.stderr)
        return exit_code
    losses = "\n".join(f"  {name:<22} {value:.4g}" for name, value in result.metrics.items())
    print(
        f"\nTrained {result.steps} steps ({result.steps - result.first_step} of them now, "
        f"{result.seconds:.0f} s). Means of the last epoch:\n{losses}\n"
        f"  network   {result.network_path}\n"
        f"  history   {run_dir / 'history.csv'}\n"
        f"  preset    {options.config.stem!r}, {path}"
    )
    return 0


def save_preset(network_path: pathlib.Path, config, options, run_dir: pathlib.Path) -> pathlib.Path:
    """Makes the trained network a preset and returns the path of its weights."""
    from tf_facerecon.networks import presets
    from tf_facerecon.networks.c_net import CNet
    from tf_facerecon.training import preset_commands

    return presets.save_preset(
        CNet.from_preset(network_path),
        options.out or run_dir,
        options.config.stem,
        description="confidence of each photograph of a set, trained on " + DATA[config.data.kind],
        made_by=preset_commands.preset_command(
            "tools/train_c_net.py",
            options.config,
            root=ROOT,
            out=options.out,
            overrides=options.overrides,
        ),
    )


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
        "--no-resume", action="store_true", help="refuse a folder that already holds a run"
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
