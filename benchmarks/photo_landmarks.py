"""Landmarks of a network on photographs with labels, in one forward pass.

    python benchmarks/photo_landmarks.py --photos aflw2000.tar --labels aflw2000.npz
    python benchmarks/photo_landmarks.py --photos lfw.tar --labels lfw.npz --held-out --jaw contour

Photographs are aligned by five of the given landmarks, as is usual on AFLW2000-3D (Zhu et al.
2016). NME is the mean distance of the 68 points over the square root of the area of the box of the
true landmarks, by |yaw| if the labels tell it. Offsets are mean differences (predicted - true) of
groups of points, % of the distance between the outer corners of the eyes. The baseline is the mean
face, frontal, placed by the alignment. `datasets/labelled_photos.py` describes the labels.

Labels of the jaw are either fixed points of the face (AFLW2000-3D) or follow its visible contour
(2D labels, face meshes); `--jaw` says which of the two is compared with them, in all rows.
"""

import argparse
import pathlib

import numpy as np
import tensorflow as tf
from tqdm import tqdm

from tf_facerecon.cli import labelled_photo_options, network_option
from tf_facerecon.datasets import labelled_photos
from tf_facerecon.inference import reconstructor
from tf_facerecon.io import json_files
from tf_facerecon.layers import face_decoder
from tf_facerecon.metrics import landmark_error
from tf_facerecon.photos import face_alignment

BATCH_SIZE = 32
BUCKETS = ((0.0, 30.0), (30.0, 60.0), (60.0, 90.5))
GROUPS = {
    "jaw": slice(0, 17),
    "brows": slice(17, 27),
    "nose": slice(27, 36),
    "eyes": slice(36, 48),
    "mouth": slice(48, 68),
}


def predict(network, photos, labels, jaw="fixed") -> dict[str, dict[str, np.ndarray]]:
    """Landmarks `[68, 2]` in pixels of the photographs, by row of the table and photograph."""
    r_net, decoder = reconstructor.load_network(network, jaw=jaw)
    mean_face = decoder(np.zeros((1, decoder.layout.total), np.float32), render=False)
    mean_points = mean_face["landmarks"].numpy()[0]
    found: dict[str, dict[str, np.ndarray]] = {"always the mean face": {}, network: {}}
    waiting: list[tuple[str, face_alignment.AlignedFace]] = []

    def flush():
        crops = np.stack([aligned.image for _, aligned in waiting])
        coefficients = r_net(tf.image.convert_image_dtype(crops, tf.float32), training=False)
        points = decoder(coefficients, render=False)["landmarks"].numpy()
        for (name, aligned), predicted in zip(waiting, points, strict=True):
            found["always the mean face"][name] = aligned.transform.to_image(mean_points)
            found[network][name] = aligned.transform.to_image(predicted)
        waiting.clear()

    stream = labelled_photos.labelled_photos(photos, labels)
    for name, photo, landmarks in tqdm(stream, total=len(labels.landmarks), unit="photograph"):
        waiting.append((name, face_alignment.align_face(photo, landmarks)))
        if len(waiting) == BATCH_SIZE:
            flush()
    if waiting:
        flush()
    return found


def figures(found, labels) -> dict:
    """NME in per cent, by bucket of yaw, and offsets of groups of points."""
    results: dict = {"photographs": len(labels.landmarks)}
    for row, points in found.items():
        names = list(points)
        predicted = np.stack([points[name] for name in names])
        true = np.stack([labels.landmarks[name] for name in names])
        errors = 100.0 * landmark_error.normalized_mean_error(predicted, true)
        eyes = np.linalg.norm(true[:, 45] - true[:, 36], axis=-1)[:, None, None]
        inner = np.linalg.norm(predicted - true, axis=-1)[:, 17:] / eyes[..., 0]
        result = {"nme": float(errors.mean()), "inner_51": float(100.0 * inner.mean())}
        if labels.yaw:
            yaw = np.abs([labels.yaw[name] for name in names])
            for low, high in BUCKETS:
                inside = (yaw >= low) & (yaw < high)
                if not inside.any():
                    continue
                result[f"nme_{low:.0f}_{round(high, -1):.0f}"] = float(errors[inside].mean())
        offsets = 100.0 * (predicted - true) / eyes
        result["offsets"] = {
            group: [float(value) for value in offsets[:, indices].mean(axis=(0, 1))]
            for group, indices in GROUPS.items()
        }
        results[row] = result
    return results


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    labelled_photo_options.add_labelled_photos(parser)
    labelled_photo_options.add_held_out(parser)
    network_option.add_network(parser)
    parser.add_argument(
        "--jaw",
        choices=face_decoder.JAWS,
        default="fixed",
        help="what landmarks of the jaw are: fixed points of the face, or on its visible contour",
    )
    parser.add_argument("--count", type=int, help="at most so many photographs")
    parser.add_argument("--json", type=pathlib.Path, help="also write the results to this file")
    arguments = parser.parse_args()
    try:
        labels = labelled_photos.read_labels(arguments.labels)
        if arguments.held_out:
            labels = labels.held_out()
        labels = labels.select(list(labels.landmarks)[: arguments.count])
        if not labels.landmarks:
            raise ValueError("no photograph is left to be measured")
        found = predict(arguments.network, arguments.photos, labels, arguments.jaw)
        results = {"jaw": arguments.jaw, **figures(found, labels)}
    except (FileNotFoundError, ValueError) as error:
        parser.error(str(error))
    rows = [row for row in results if row not in ("jaw", "photographs")]
    columns = [name for name in results[rows[0]] if name != "offsets"]
    print(f"{results['photographs']} photographs, jaw: {arguments.jaw}; NME and inner 51 points, %")
    print("| | " + " | ".join(columns) + " |\n" + "|---" * (len(columns) + 1) + "|")
    for row in rows:
        print(f"| {row} | " + " | ".join(f"{results[row][name]:.2f}" for name in columns) + " |")
    print("\n| mean offset (x, y), % of the outer eye distance | " + " | ".join(GROUPS) + " |")
    print("|---" * (len(GROUPS) + 1) + "|")
    for row in rows:
        cells = [f"{x:+.2f}, {y:+.2f}" for x, y in results[row]["offsets"].values()]
        print(f"| {row} | " + " | ".join(cells) + " |")
    if arguments.json:
        json_files.write_json(arguments.json, results)


if __name__ == "__main__":
    main()
