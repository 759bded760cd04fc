"""What the terms of the hybrid loss are worth: one short training for each, one table for all.

    python benchmarks/loss_ablation.py --out runs/loss_ablation
    python benchmarks/loss_ablation.py --out runs/quick --seeds 0 --count 20 schedule.steps=200

Trains a network for every loss and seed as configs/loss_ablation.yaml says, in a folder of its own
under --out; killed or stopped, the same command goes on where it was. Then every network
reconstructs the same people, who also differ in ways for which the face model has no coefficient.
Losses: photometric alone, with landmarks, with the perceptual term, and all three (hybrid), each
with the paper's weights and regularisation. Columns, mm with 95 per cent intervals over people
(a person's error is the mean over seeds): see benchmarks/image_sets.py.

--out then holds losses.json, losses.md and losses.png.
"""

import argparse
import os
import pathlib
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[1]
HELD_OUT_SEED = 977_000_053
# Terms of the loss that are switched off.
LOSSES = {
    "photometric": ("landmark", "perceptual"),
    "photometric + landmark": ("perceptual",),
    "photometric + perceptual": ("landmark",),
    "hybrid": (),
}
PEOPLE_PER_BATCH = 10


def train(options, loss: str, seed: int) -> pathlib.Path:
    """Trains, or goes on training, one network; returns its file."""
    from tf_facerecon.training import config as run_config
    from tf_facerecon.training import r_net_training

    switched_off = [f"loss_weights.{term}=0" for term in LOSSES[loss]]
    config = run_config.load_config(
        options.config, [*options.overrides, *switched_off, f"run.seed={seed}"]
    )
    run_dir = options.out / f"{loss.replace(' + ', '_')}_{seed}"
    print(f"{loss}, seed {seed}: training in {run_dir}", flush=True)
    return r_net_training.run(config, run_dir).network_path


def measure(r_net_path: pathlib.Path, options) -> dict[str, dict[str, np.ndarray]]:
    """Errors `[people]` of one network on one picture of everybody, by measure and row."""
    from tf_facerecon.datasets.synthetic_set_dataset import build_synthetic_set_dataset
    from tf_facerecon.evaluation import image_set_evaluation
    from tf_facerecon.evaluation.held_out_identities import held_out_face_model
    from tf_facerecon.layers.face_decoder import FaceDecoder
    from tf_facerecon.layers.morphable_face import resolve_face_model
    from tf_facerecon.models.r_net import RNet

    r_net = RNet.from_preset(r_net_path)
    model = resolve_face_model(r_net.face_model, r_net.face_model_fingerprint or None)
    people = held_out_face_model(model)
    batches = build_synthetic_set_dataset(
        FaceDecoder(people, num_lighting=r_net.heads.sizes["lighting"]),
        PEOPLE_PER_BATCH,
        1,
        seed=HELD_OUT_SEED,
        num_batches=-(-options.count // PEOPLE_PER_BATCH),
        bad_frames=(0, 0),
        pixel_step=2 if r_net.backbone_name == "small" else 1,
    )
    return image_set_evaluation.evaluate_image_sets(
        r_net,
        image_set_evaluation.take_sets(batches, options.count),
        people,
        face_model=model,
        scan_points=options.scan_points,
    )


def collect(measured: dict[str, list[dict]]) -> dict[str, dict[str, np.ndarray]]:
    """Errors `[people]` by measure and loss, the mean over seeds, below those of the mean face."""
    first = next(iter(measured.values()))[0]
    table = {}
    for name in first:
        table[name] = {"mean face": first[name]["mean_face"]}
        for loss, seeds in measured.items():
            table[name][loss] = np.mean([errors[name]["single"] for errors in seeds], axis=0)
    return table


def verdict(vertices: dict[str, np.ndarray]) -> str:
    """Whether the order is the paper's, in which the hybrid loss is best."""
    from tf_facerecon.evaluation import bootstrap

    losses = [loss for loss in vertices if loss != "mean face"]
    best = min(losses, key=lambda loss: vertices[loss].mean())
    if best == "hybrid":
        return "The hybrid loss is best, as in the paper."
    ratio = bootstrap.ratio_interval(vertices["hybrid"], vertices[best])
    sure = "beyond" if ratio.low > 1 else "within"
    return (
        f"Not the paper's order: {best} is best; the hybrid loss has {ratio.value:.3f} times its "
        f"error ({ratio.low:.3f} to {ratio.high:.3f}), {sure} the spread "
        "over people (trainings differ, too)."
    )


def write_report(errors: dict[str, dict[str, np.ndarray]], options) -> str:
    """Writes JSON, Markdown and plot; returns the Markdown."""
    from tf_facerecon.evaluation.result_table import ResultTable, plot_tables
    from tf_facerecon.io import atomic_files, json_files

    table = ResultTable.from_values("Loss and error of single pictures", errors)
    text = f"{table.markdown()}\n{verdict(errors['vertices'])}\n"
    report = {
        "people": options.count,
        "seeds": options.seeds,
        "seed_of_people": HELD_OUT_SEED,
        "overrides": options.overrides,
        **{f"{row}_mm": float(np.mean(values)) for row, values in errors["vertices"].items()},
        "intervals": table.as_dict(),
        "verdict": verdict(errors["vertices"]),
    }
    json_files.write_json(options.out / "losses.json", report)
    atomic_files.write_text(options.out / "losses.md", text)
    try:
        plot_tables(options.out / "losses.png", [table], "vertices", "mm, vertex to vertex")
    except ImportError as error:
        print(f"No plot: {error}", file=sys.stderr)
    return text


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=pathlib.Path, required=True, help="folder of runs and report")
    parser.add_argument(
        "--config", type=pathlib.Path, default=ROOT / "configs" / "loss_ablation.yaml"
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1], help="one run for each")
    parser.add_argument("--count", type=int, default=100, help="people to measure on (default 100)")
    parser.add_argument("--scan-points", type=int, default=800, help="0 for no scan distances")
    parser.add_argument(
        "overrides", nargs="*", metavar="section.key=value", help="settings that win over the file"
    )
    options = parser.parse_args(arguments)
    if options.count < 2 or options.scan_points < 0:
        parser.error("expected --count of at least 2, and --scan-points not below 0")
    return options


def main(arguments: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    options = parse_arguments(arguments)
    from tf_facerecon.cli import training_options

    def work() -> str:
        measured = {
            loss: [measure(train(options, loss, seed), options) for seed in options.seeds]
            for loss in LOSSES
        }
        return write_report(collect(measured), options)

    return training_options.report(work)


if __name__ == "__main__":
    sys.exit(main())
