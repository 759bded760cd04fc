"""One face from an image set: single images, mean, best image and C-Net.

    python benchmarks/image_sets.py --json image_sets.json
    python benchmarks/image_sets.py --sizes 2 5 10 --markdown sets.md --plot sets.png

The images show synthetic people of a seed that no training uses, who also differ in ways that the
face model does not cover. Sets are clean, or contain one to three bad frames (occluded, blurred,
noisy, near-profile, badly lit). Nothing is trained here. Columns, in mm with 95 per cent confidence
intervals over people:

- vertices: mean vertex-to-vertex distance of the neutral face, after similarity alignment;
- now: mean distance from a scan of the true face to the prediction, protocol of the NoW challenge;
- micc: point-to-plane RMSE of that scan, protocol of MICC Florence.

Rows: mean face of the model (baseline); single images (mean error); mean of their coefficients; the
image with the highest MTCNN confidence; C-Net. In a JSON file, sets of 5 are under clean_5 and
bad_frames_5. The table of the loss ablation (benchmarks/loss_ablation.py), which needs training, is
read from docs/ablations.
"""

import argparse
import dataclasses
import json
import pathlib

import numpy as np
from tqdm import tqdm

from tf_facerecon.datasets.synthetic_set_dataset import build_synthetic_set_dataset
from tf_facerecon.evaluation import bootstrap, image_set_evaluation
from tf_facerecon.evaluation.held_out_identities import UNSEEN_VARIANCE, held_out_face_model
from tf_facerecon.evaluation.result_table import ResultTable, plot_tables
from tf_facerecon.io import atomic_files, json_files
from tf_facerecon.layers.face_decoder import FaceDecoder
from tf_facerecon.layers.morphable_face import resolve_face_model
from tf_facerecon.models.c_net import CNet
from tf_facerecon.models.r_net import RNet
from tf_facerecon.photos.face_detection import FaceDetector

LOSSES = pathlib.Path(__file__).resolve().parents[1] / "docs" / "ablations" / "losses.json"
HELD_OUT_SEED = 977_000_047
PEOPLE_PER_BATCH = 4
CONDITIONS = ("clean", "bad_frames")


def bad_frames(condition: str, size: int) -> tuple[int, int]:
    """Smallest and largest number of bad frames; one image of a set is always clean."""
    return (0, 0) if condition == "clean" else (1, max(1, min(3, size - 1)))


def measure(networks: dict, condition: str, size: int, options) -> dict:
    """Errors `[people]` by metric and method; see `image_set_evaluation.evaluate_image_sets`."""
    model = networks["face_model"]
    people = held_out_face_model(model)
    batches = build_synthetic_set_dataset(
        FaceDecoder(people, num_lighting=networks["r_net"].heads.sizes["lighting"]),
        PEOPLE_PER_BATCH,
        size,
        seed=options.seed,
        num_batches=-(-options.count // PEOPLE_PER_BATCH),
        bad_frames=bad_frames(condition, size),
        pixel_step=2 if networks["r_net"].backbone_name == "small" else 1,
    )
    batches = image_set_evaluation.take_sets(batches, options.count)
    return image_set_evaluation.evaluate_image_sets(
        networks["r_net"],
        tqdm(batches, total=-(-options.count // PEOPLE_PER_BATCH), unit="batch"),
        people,
        face_model=model,
        c_net=networks["c_net"],
        detector=networks["detector"],
        scan_points=options.scan_points,
    )


def figures(errors: dict) -> dict:
    """Results of one condition for the JSON file."""
    table = ResultTable.from_values("", errors)
    vertices = errors["vertices"]
    numbers = {f"{row}_mm": float(np.mean(values)) for row, values in vertices.items()}
    numbers["intervals"] = table.as_dict()
    for other in ("mean", "single", "best"):
        if "cnet" in vertices and other in vertices:
            ratio = bootstrap.ratio_interval(vertices["cnet"], vertices[other])
            numbers[f"cnet_over_{other}"] = dataclasses.asdict(ratio)
    return numbers


def describe_ratios(numbers: dict) -> str:
    """Ratios of the error of C-Net to those of other methods, in one line."""
    texts = []
    for other in ("mean", "single", "best"):
        ratio = numbers.get(f"cnet_over_{other}")
        if ratio:
            texts.append(
                f"{other} {ratio['value']:.3f} ({ratio['low']:.3f} to {ratio['high']:.3f})"
            )
    return "C-Net's vertex error over that of " + ", ".join(texts) if texts else ""


def load_networks(options) -> dict:
    """The networks of the command line."""
    r_net = RNet.from_preset(options.network)
    c_net = None if options.c_net == "none" else CNet.from_preset(options.c_net)
    if c_net is not None:
        c_net.check_r_net(r_net)
    return {
        "r_net": r_net,
        "c_net": c_net,
        "face_model": resolve_face_model(
            options.face_model or r_net.face_model, r_net.face_model_fingerprint or None
        ),
        "detector": FaceDetector(),
    }


def recorded_losses(path: pathlib.Path) -> tuple[dict | None, str]:
    """Results and table that `loss_ablation.py` wrote; `None` and an empty text without them."""
    if not path.is_file():
        return None, ""
    figures = json.loads(path.read_text(encoding="utf-8"))
    return figures, path.with_suffix(".md").read_text(encoding="utf-8")


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--network", default="r_net_small", help="R-Net: preset or .keras file")
    parser.add_argument("--c-net", default="c_net_small", help="preset, .keras file or none")
    parser.add_argument("--face-model", help="name or .npz of the 3DMM, if the network's own moved")
    parser.add_argument("--count", type=int, default=100, help="number of people (default 100)")
    parser.add_argument("--sizes", type=int, nargs="+", default=[5], help="images per set")
    parser.add_argument("--seed", type=int, default=HELD_OUT_SEED, help="seed of the people")
    parser.add_argument(
        "--scan-points", type=int, default=800, help="points of a scan; 0 for no scan distances"
    )
    parser.add_argument("--json", type=pathlib.Path, help="also write the results to this file")
    parser.add_argument("--markdown", type=pathlib.Path, help="also write the tables to this file")
    parser.add_argument("--plot", type=pathlib.Path, help="also plot them (needs matplotlib)")
    options = parser.parse_args(arguments)
    if options.count < 1 or min(options.sizes) < 2 or options.scan_points < 0:
        parser.error("expected --count of at least 1, --sizes of at least 2, --scan-points not < 0")
    return options


def main(arguments: list[str] | None = None) -> None:
    """Command line."""
    options = parse_arguments(arguments)
    # Read first: a damaged file must not discard the measurements.
    recorded, losses = recorded_losses(LOSSES)
    networks = load_networks(options)
    report = {
        "network": options.network,
        "c_net": options.c_net,
        "face_model": networks["face_model"].name,
        "people": options.count,
        "seed": options.seed,
        "unseen_variance": UNSEEN_VARIANCE,
    }
    tables, texts = [], []
    for size in options.sizes:
        for condition in CONDITIONS:
            errors = measure(networks, condition, size, options)
            table = ResultTable.from_values(
                f"{condition.replace('_', ' ')}, sets of {size}", errors
            )
            numbers = figures(errors)
            report[f"{condition}_{size}"] = numbers
            tables.append(table)
            texts.append(f"{table.markdown()}\n{describe_ratios(numbers)}\n")
            print(texts[-1], flush=True)
    report["losses"] = recorded
    if losses:
        texts.append(losses)
    print(losses or f"No loss ablation at {LOSSES}; benchmarks/loss_ablation.py creates it.")
    if options.json:
        json_files.write_json(options.json, report)
    if options.markdown:
        atomic_files.write_text(options.markdown, "\n".join(texts))
    if options.plot:
        plot_tables(options.plot, tables, "vertices", "mm, vertex to vertex")


if __name__ == "__main__":
    main()
