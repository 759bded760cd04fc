"""Trains an R-Net as a YAML file describes, or goes on with a run that was stopped.

    python tools/train.py --config configs/smoke.yaml
    python tools/train.py --config configs/r_net_small.yaml optimizer.learning_rate=5e-4
    python tools/train.py --config configs/r_net_photos.yaml data.folder=my_photos

A run may be killed at any moment: the same command goes on from the last checkpoint and ends with
the same weights as a run left alone. Every setting, with its meaning, stands in
tf_facerecon/training/config.py; what a run used is kept in its folder as resolved_config.yaml.
"""

import argparse
import os
import pathlib
import sys

# Before TensorFlow is imported: its start-up notes would bury the progress bar.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

EXIT_BAD_INPUT = 2
EXIT_FAILED = 1
EXIT_SIGNAL = 128  # plus the number of the signal, as shells do


def main(arguments: list[str] | None = None) -> int:
    """Runs the tool and returns its exit code."""
    options = parse_arguments(arguments)
    run_dir = options.run_dir or pathlib.Path("runs") / options.config.stem
    from tf_facerecon.training import config as run_config
    from tf_facerecon.training import interruption

    try:
        config = run_config.load_config(options.config, options.overrides)
        # Only now: TensorFlow takes seconds, a mistyped key should not.
        from tf_facerecon.training import experiment

        print(f"Training in {run_dir}; watch it: tensorboard --logdir {run_dir}/logs", flush=True)
        result = experiment.run(config, run_dir, resume=not options.no_resume)
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_BAD_INPUT
    except FloatingPointError as error:
        print(f"training failed: {error}", file=sys.stderr)
        return EXIT_FAILED
    except interruption.TrainingInterrupted as error:
        print(f"\n{error} The state is saved; the same command goes on.", file=sys.stderr)
        return EXIT_SIGNAL + error.signal_number
    print(describe(result, run_dir))
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
        "--no-resume", action="store_true", help="refuse a folder that already holds a run"
    )
    parser.add_argument(
        "overrides",
        nargs="*",
        metavar="section.key=value",
        help="a setting that wins over the file, for example schedule.steps=500",
    )
    return parser.parse_args(arguments)


def describe(result, run_dir: pathlib.Path) -> str:
    """What a person wants to know at the end."""
    losses = "\n".join(f"  {name:<22} {value:.4g}" for name, value in result.metrics.items())
    done = result.steps - result.first_step
    return (
        f"\nTrained {result.steps} steps ({done} of them now, {result.seconds:.0f} s, "
        f"{result.steps_per_second:.2f} steps/s). Means of the last epoch:\n{losses}\n"
        f"  network   {result.r_net_path}\n"
        f"  history   {run_dir / 'history.csv'}\n"
        f"  pictures  {run_dir / 'panels'}\n"
        f"  curves    tensorboard --logdir {run_dir / 'logs'}"
    )


if __name__ == "__main__":
    sys.exit(main())
