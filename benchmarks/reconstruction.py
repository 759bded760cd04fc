"""Accuracy of a network on synthetic photographs, compared with the mean face.

    python benchmarks/reconstruction.py --json reconstruction.json

Every face is a new random identity with its own expression, pose, lighting and background, drawn
with a seed that no training configuration uses. Nothing is trained here. Errors:

- mm: mean distance of corresponding vertices of the identity + expression shape, after a
  least-squares similarity alignment; the mean of that over all faces. Along the model's axes
  (across, up, depth) also the root mean square: a single image constrains depth least.
- landmark_nme: mean distance of the 68 projected landmarks, divided by the square root of the area
  of the true landmarks' box.
"""

import argparse
import pathlib

import numpy as np
from tqdm import tqdm

import tf_facerecon
from tf_facerecon.cli import network_option
from tf_facerecon.io import json_files
from tf_facerecon.metrics import landmark_error, vertex_distance

HELD_OUT_SEED = 977_000_011
BATCH_SIZE = 20


def measure(network: str, count: int, seed: int) -> dict[str, float | int | str | list[float]]:
    """Reconstructs `count` held-out faces and returns the results that the table shows."""
    r_net = tf_facerecon.RNet.from_preset(network)
    decoder = tf_facerecon.FaceDecoder(
        r_net.face_model,
        num_lighting=r_net.heads.sizes["lighting"],
        fingerprint=r_net.face_model_fingerprint or None,
    )
    dataset = tf_facerecon.build_synthetic_dataset(
        decoder, BATCH_SIZE, seed=seed, num_batches=-(-count // BATCH_SIZE)
    )
    errors = {"mean_face": [], "r_net": []}
    squares = {"mean_face": [], "r_net": []}
    landmark_errors = {"mean_face": [], "r_net": []}
    with tqdm(total=count, unit="face") as progress:
        for batch in dataset:
            true = decoder(batch["coefficients"], render=False)
            predictions = {
                "mean_face": decoder(np.zeros_like(batch["coefficients"]), render=False),
                "r_net": decoder(r_net(batch["image"], training=False), render=False),
            }
            for name, prediction in predictions.items():
                for index in range(min(BATCH_SIZE, count - len(errors[name]))):
                    offsets = vertex_distance.vertex_offsets_mm(
                        prediction["shape"][index].numpy(), true["shape"][index].numpy()
                    )
                    errors[name].append(np.linalg.norm(offsets, axis=-1).mean())
                    squares[name].append((offsets**2).mean(axis=0))
                    landmark_errors[name].append(
                        landmark_error.normalized_mean_error(
                            prediction["landmarks"][index].numpy(), true["landmarks"][index].numpy()
                        )
                    )
            progress.update(len(errors["r_net"]) - progress.n)
    figures = {"network": network, "faces": count, "seed": seed}
    figures["mean_face_mm"] = float(np.mean(errors["mean_face"]))
    figures["r_net_mm"] = float(np.mean(errors["r_net"]))
    figures["ratio"] = figures["r_net_mm"] / figures["mean_face_mm"]
    figures["mean_face_landmark_nme"] = float(np.mean(landmark_errors["mean_face"]))
    figures["landmark_nme"] = float(np.mean(landmark_errors["r_net"]))
    for name in squares:
        figures[f"{name}_axes_mm"] = np.sqrt(np.mean(squares[name], axis=0)).tolist()
    return figures


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    network_option.add_network(parser)
    parser.add_argument("--count", type=int, default=200, help="number of faces (default 200)")
    parser.add_argument("--seed", type=int, default=HELD_OUT_SEED, help="seed of the faces")
    parser.add_argument("--json", type=pathlib.Path, help="also write the results to this file")
    arguments = parser.parse_args()
    if arguments.count < 1:
        parser.error(f"--count must be at least 1, not {arguments.count}")
    figures = measure(arguments.network, arguments.count, arguments.seed)
    print("| prediction | vertices, mm | across, up, depth (RMS), mm | landmarks, % of face box |")
    print("|---|---|---|---|")
    for name, nme in (("mean_face", "mean_face_landmark_nme"), ("r_net", "landmark_nme")):
        label = "always the mean face" if name == "mean_face" else figures["network"]
        axes = ", ".join(f"{value:.2f}" for value in figures[f"{name}_axes_mm"])
        print(f"| {label} | {figures[f'{name}_mm']:.2f} | {axes} | {100 * figures[nme]:.2f} |")
    print(f"ratio {figures['ratio']:.3f}")
    if arguments.json:
        json_files.write_json(arguments.json, figures)


if __name__ == "__main__":
    main()
