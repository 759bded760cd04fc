"""Fit of a network, and of refinement after it, to one real photograph.

    python benchmarks/astronaut.py --json astronaut.json

The photograph is scikit-image's astronaut (NASA, public domain). Errors:

- points: mean distance of the five reprojected points from the detected ones, as a fraction of the
  distance between the eyes. Refinement minimises exactly this distance: afterwards it shows
  convergence, not accuracy.
- colour: mean RGB distance between rendered image and photograph over the skin in an ellipse that
  depends only on the detected points; see `metrics/photometric_error.py`.

The baseline is the mean face in neutral light, placed by the alignment.
"""

import argparse
import pathlib

import numpy as np
import skimage.data

import tf_facerecon
from tf_facerecon.cli import network_option
from tf_facerecon.io import json_files
from tf_facerecon.metrics import image_error, landmark_error


def measure(network: str) -> dict[str, float | str]:
    """Fits the astronaut and returns the errors before and after refinement."""
    reconstructor = tf_facerecon.FaceReconstructor.from_preset(network)
    (face,) = reconstructor.reconstruct(
        skimage.data.astronaut(), source="astronaut", refine=True, progress=True
    )
    report = face.refinement
    decoder = reconstructor.decoder
    mean_face = decoder(np.zeros((1, decoder.layout.total), np.float32))
    found = face.crop_transform.to_crop(face.alignment_points)
    region = image_error.photometric_region(found, reconstructor.skin_model.probability(face.crop))
    crop = face.crop / np.float32(255.0)
    return {
        "network": network,
        "mean_face_points": landmark_error.interocular_error(
            mean_face["five_points"].numpy()[0], found
        ),
        "network_points": report.point_error_before,
        "refined_points": report.point_error_after,
        "mean_face_colour": image_error.photometric_error(
            mean_face["image"].numpy()[0], crop, region
        ),
        "network_colour": report.photometric_before,
        "refined_colour": report.photometric_after,
        "refined_over_network_colour": report.photometric_after / report.photometric_before,
    }


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    network_option.add_network(parser)
    parser.add_argument("--json", type=pathlib.Path, help="also write the results to this file")
    arguments = parser.parse_args()
    figures = measure(arguments.network)
    print("| prediction | five points, % of eye distance | colour |")
    print("|---|---|---|")
    for key, label in (
        ("mean_face", "always the mean face"),
        ("network", f"{figures['network']} alone"),
        ("refined", "after refinement"),
    ):
        print(
            f"| {label} | {100 * figures[f'{key}_points']:.1f} | {figures[f'{key}_colour']:.3f} |"
        )
    if arguments.json:
        json_files.write_json(arguments.json, figures)


if __name__ == "__main__":
    main()
