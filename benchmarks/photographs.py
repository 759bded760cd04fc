"""Distance of a network's eyes, nose and mouth from those of a face detector, on your photographs.

    python benchmarks/photographs.py PHOTO... --json photographs.json

The largest face of each photograph is evaluated. The error is the mean distance of the five points
of the reconstructed face from the five detected points, as a fraction of the distance between the
eyes; the error of the detector itself is a few hundredths. The baseline is the mean face, placed by
the alignment. There is no refinement: it would minimise exactly these distances.
"""

import argparse
import pathlib
import sys

import numpy as np
from tqdm import tqdm

import tf_facerecon
from tf_facerecon.cli import network_option
from tf_facerecon.io import json_files
from tf_facerecon.metrics import landmark_error


def measure(photos: list[pathlib.Path], network: str) -> dict[str, object]:
    """Errors of each photograph and their means; those that cannot be evaluated are skipped.

    Raises:
        FileNotFoundError: If the network is missing.
        ValueError: If the network cannot be read, or no photograph could be evaluated.
    """
    reconstructor = tf_facerecon.FaceReconstructor.from_preset(network)
    decoder = reconstructor.decoder
    mean_face = decoder(np.zeros((1, decoder.layout.total), np.float32), render=False)
    mean_points = mean_face["five_points"].numpy()[0]
    errors = {"mean_face": [], "network": []}
    measured, skipped = [], {}
    for path in tqdm(photos, unit="photograph"):
        try:
            (face,) = reconstructor.reconstruct(path)
        except (OSError, ValueError) as error:
            skipped[str(path)] = str(error)
            tqdm.write(f"skipped {path}: {error}", file=sys.stderr)
            continue
        measured.append(str(path))
        found = face.crop_transform.to_crop(face.alignment_points)
        predicted = face.crop_transform.to_crop(face.photo_five_points)
        errors["mean_face"].append(landmark_error.interocular_error(mean_points, found))
        errors["network"].append(landmark_error.interocular_error(predicted, found))
    if not measured:
        raise ValueError("none of the photographs could be evaluated")
    figures: dict[str, object] = {"network": network, "photos": measured, "skipped": skipped}
    for name, values in errors.items():
        figures[f"{name}_each"] = [float(value) for value in values]
        figures[f"{name}_points"] = float(np.mean(values))
    return figures


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("photos", nargs="+", type=pathlib.Path, metavar="PHOTO")
    network_option.add_network(parser)
    parser.add_argument("--json", type=pathlib.Path, help="also write the results to this file")
    arguments = parser.parse_args()
    if arguments.json and arguments.json.is_dir():
        parser.error(f"--json must be a file, not the folder {arguments.json}")
    for path in arguments.photos:
        if not path.is_file():
            parser.error(f"there is no photograph {path}")
    try:
        figures = measure(arguments.photos, arguments.network)
    except (FileNotFoundError, ValueError) as error:
        parser.error(str(error))
    print("| photograph | always the mean face, % | network, % |")
    print("|---|---|---|")
    rows = zip(figures["photos"], figures["mean_face_each"], figures["network_each"], strict=True)
    means = ("mean", figures["mean_face_points"], figures["network_points"])
    for name, mean_face, network in [*rows, means]:
        print(f"| {name} | {100 * mean_face:.1f} | {100 * network:.1f} |")
    if arguments.json:
        json_files.write_json(arguments.json, figures)


if __name__ == "__main__":
    main()
