"""Shows the package at work in a few minutes: one real photograph in 3D, then a short training.

    make demo        (or: python tools/demo.py --out demo)

The photograph is scikit-image's astronaut, Eileen Collins (NASA, public domain). The network that
ships with the package reconstructs it, gradient descent through the renderer refines the result,
and a new network trains from nothing on the embedded face model with `model.fit`.
"""

import argparse
import csv
import os
import pathlib
import shutil
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from tf_facerecon.cli import network_option as network_options

ROOT = pathlib.Path(__file__).resolve().parents[1]
STEM = "astronaut"
MARK = ".demonstration"  # A file that says whose a folder is: a training of one's own is kept.


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("demo"))
    network_options.add_network(parser)
    parser.add_argument("--config", type=pathlib.Path, default=ROOT / "configs" / "demo.yaml")
    parser.add_argument("--no-training", action="store_true", help="only the photograph")
    parser.add_argument(
        "overrides", nargs="*", metavar="section.key=value", help="settings of the training"
    )
    return parser.parse_intermixed_args(arguments)


def reconstruct_astronaut(network: str, folder: pathlib.Path) -> list[pathlib.Path]:
    """Reconstructs and refines the photograph, prints how well, and writes all files."""
    import skimage.data

    from tf_facerecon.inference.reconstructor import FaceReconstructor

    print(f"1. A photograph in 3D, by the network {network!r}", flush=True)
    started = time.perf_counter()
    reconstructor = FaceReconstructor.from_preset(network)
    (face,) = reconstructor.reconstruct(
        skimage.data.astronaut(), source=STEM, refine=True, progress=True
    )
    report = face.refinement
    pitch, yaw, roll = face.rotation_degrees
    print(
        f"   face found with confidence {face.confidence:.3f}; "
        f"pitch {pitch:+.1f}, yaw {yaw:+.1f}, roll {roll:+.1f} degrees\n"
        f"                                        network   refined\n"
        f"   five points, of the eyes' distance  {report.point_error_before:8.2%}  "
        f"{report.point_error_after:8.2%}\n"
        f"   colour difference on the face       {report.photometric_before:8.3f}  "
        f"{report.photometric_after:8.3f}"
    )
    paths = face.save(folder, STEM, overwrite=True)
    print(f"   {time.perf_counter() - started:.0f} seconds\n", flush=True)
    return paths


def remove_earlier_demonstration(run_dir: pathlib.Path) -> None:
    """Makes place for a training, which would only continue an earlier one.

    Raises:
        FileExistsError: If the folder holds anything that no demonstration left there.
    """
    if (run_dir / MARK).exists():
        shutil.rmtree(run_dir)
    elif run_dir.exists() and any(run_dir.iterdir()):
        raise FileExistsError(f"{run_dir} is no earlier demonstration: choose another --out.")


def train_briefly(config_path: pathlib.Path, overrides: list[str], run_dir: pathlib.Path) -> None:
    """Trains a new network for a short while and prints how the losses fell."""
    from tf_facerecon.training import config as run_config
    from tf_facerecon.training import r_net_training

    print(f"2. A short training with model.fit, as {config_path.name} describes", flush=True)
    config = run_config.load_config(config_path, overrides)
    remove_earlier_demonstration(run_dir)
    run_dir.mkdir(parents=True, exist_ok=True)
    (run_dir / MARK).touch()
    result = r_net_training.run(config, run_dir)
    with open(run_dir / "history.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    print(f"\n   {result.steps} steps in {result.seconds:.0f} seconds; losses by epoch:")
    for name in rows[0]:
        if name != "step":
            values = "  ".join(f"{float(row[name]):9.4g}" for row in rows)
            print(f"   {name:<22} {values}")
    print(flush=True)


def main(arguments: list[str] | None = None) -> int:
    """Runs the demonstration; returns its exit code."""
    options = parse_arguments(arguments)
    from tf_facerecon.cli import training_options

    return training_options.report(lambda: demonstrate(options), "The demonstration ends here.")


def demonstrate(options: argparse.Namespace) -> str:
    """Does both halves, and returns what there is to look at."""
    paths = reconstruct_astronaut(options.network, options.out)
    if not options.no_training:
        train_briefly(options.config, options.overrides, options.out / "training")
    names = "\n".join(f"   {path}" for path in paths)
    return f"Made:\n{names}\nLook at {options.out / f'{STEM}_overlay.png'} first."


if __name__ == "__main__":
    sys.exit(main())
