"""Demonstrates the package in a few minutes: one photograph in 3D, then a short training.

    tf-facerecon demo --out demo        (in a checkout: make demo)

The photograph is scikit-image's astronaut, Eileen Collins (NASA, public domain). The shipped
network reconstructs it, gradient descent through the renderer refines the result, and a new network
is trained from scratch on the built-in face model with `model.fit`.
"""

import argparse
import csv
import pathlib
import shutil
import time

import numpy as np

from tf_facerecon.cli import network_option, training_options
from tf_facerecon.cli.command_parser import command_parser
from tf_facerecon.cli.shipped_configs import find_config

STEM = "astronaut"
MARK = ".demonstration"  # File that marks folders that this command may delete.


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    """Parses the command line."""
    parser = command_parser("demo", __doc__)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("demo"))
    network_option.add_network(parser)
    parser.add_argument(
        "--config", type=find_config, default="demo", help="configuration of the training"
    )
    parser.add_argument(
        "--no-training", action="store_true", help="only reconstruct the photograph"
    )
    parser.add_argument(
        "overrides", nargs="*", metavar="section.key=value", help="settings of the training"
    )
    return parser.parse_intermixed_args(arguments)


def reconstruct_astronaut(network: str, folder: pathlib.Path) -> list[pathlib.Path]:
    """Reconstructs and refines the photograph, prints the errors, and writes all files."""
    from tf_facerecon.inference.reconstructor import FaceReconstructor

    print(f"1. A photograph in 3D, with the network {network!r}", flush=True)
    photo = astronaut()
    started = time.perf_counter()
    reconstructor = FaceReconstructor.from_preset(network)
    (face,) = reconstructor.reconstruct(photo, source=STEM, refine=True, progress=True)
    report = face.refinement
    pitch, yaw, roll = face.rotation_degrees
    print(
        f"   face found with confidence {face.confidence:.3f}; "
        f"pitch {pitch:+.1f}, yaw {yaw:+.1f}, roll {roll:+.1f} degrees\n"
        f"                                        network   refined\n"
        f"   landmark error, % of eye distance   {report.point_error_before:8.2%}  "
        f"{report.point_error_after:8.2%}\n"
        f"   colour difference on the face       {report.photometric_before:8.3f}  "
        f"{report.photometric_after:8.3f}"
    )
    paths = face.save(folder, STEM, overwrite=True)
    print(f"   {time.perf_counter() - started:.0f} seconds\n", flush=True)
    return paths


def astronaut() -> np.ndarray:
    """The photograph, `[512, 512, 3]`.

    Raises:
        ValueError: If scikit-image is not installed.
    """
    try:
        import skimage.data
    except ImportError as error:
        raise ValueError(
            "The demonstration needs scikit-image: pip install 'tf_facerecon[demo]'"
        ) from error
    return skimage.data.astronaut()


def remove_earlier_demonstration(run_dir: pathlib.Path) -> None:
    """Deletes an earlier demonstration, which the training would otherwise resume.

    Raises:
        FileExistsError: If the folder contains anything but an earlier demonstration.
    """
    if (run_dir / MARK).exists():
        shutil.rmtree(run_dir)
    elif run_dir.exists() and any(run_dir.iterdir()):
        raise FileExistsError(f"{run_dir} is not an earlier demonstration: choose another --out.")


def train_briefly(config_path: pathlib.Path, overrides: list[str], run_dir: pathlib.Path) -> None:
    """Trains a new network for a short time and prints the losses of each epoch."""
    from tf_facerecon.training import config as run_config
    from tf_facerecon.training import r_net_training

    print(f"2. A short training with model.fit, configured by {config_path.name}", flush=True)
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
    """Runs the command; returns its exit code."""
    options = parse_arguments(arguments)
    return training_options.report(lambda: demonstrate(options), "The demonstration ends here.")


def demonstrate(options: argparse.Namespace) -> str:
    """Runs both parts, and returns the list of files to look at."""
    paths = reconstruct_astronaut(options.network, options.out)
    if not options.no_training:
        train_briefly(options.config, options.overrides, options.out / "training")
    names = "\n".join(f"   {path}" for path in paths)
    return f"Files:\n{names}\nLook at {options.out / f'{STEM}_overlay.png'} first."
