"""Realism of a face model: does a face detector trained on photographs detect its faces?

    python benchmarks/procedural_faces.py --json procedural_faces.json
    python benchmarks/procedural_faces.py --face-model ict.npz --json ict_faces.json

The second line is for a model that `build-face-model` wrote; its name will do if it
lies in the cache folder. The procedural face is the default.

Random identities, expressions, skins, soft lights and head poses (|yaw| at most 40 degrees) are
rendered over cluttered backgrounds, with neck and hair behind them, and given to MTCNN with its
stock thresholds. Results:

- detected_fraction: fraction of the images in which MTCNN detects exactly one face.
- five_point_error_iod: mean distance of its five points (eyes, nose tip, mouth corners) from the
  model's own, divided by the distance of the model's eyes in the image, over those faces.
- point_offsets_iod: mean of the differences themselves, (along the line from the left eye to the
  right one, downwards across it): the systematic difference between detector and model, which a
  network that is trained on the model's points will inherit.
"""

import argparse
import pathlib

import numpy as np
import tensorflow as tf
from tqdm import tqdm

from tf_facerecon.datasets import backgrounds, coefficient_sampling
from tf_facerecon.geometry import camera as cameras
from tf_facerecon.io import image_files, json_files
from tf_facerecon.layers.face_decoder import FaceDecoder
from tf_facerecon.morphable_models.morphable_model import MorphableModel
from tf_facerecon.photos.face_detection import FaceDetector

SEED = 977_000_023
BATCH_SIZE = 8
FACES = coefficient_sampling.FaceDistribution(max_yaw=40.0, pitch=6.0, roll=6.0, directional=0.15)
POINT_NAMES = ("left_eye", "right_eye", "nose", "left_mouth_corner", "right_mouth_corner")
# Required of a model: minimum fraction of detected faces, maximum error of the five points.
REQUIREMENTS = {"procedural": (0.98, 0.08), "ict_london": (0.98, 0.08)}
DEFAULT_REQUIREMENT = (0.97, 0.08)
# The aligned 224 crop magnified, with a margin around it as in photographs.
_MAGNIFICATION = 1.2
CAMERA = cameras.PerspectiveCamera(focal=_MAGNIFICATION * 1015.0, image_size=336)


def render_faces(
    sampler: FaceDecoder, renderer: FaceDecoder, batch_size: int, seed: tf.Tensor
) -> tuple[np.ndarray, np.ndarray]:
    """Renders random faces.

    Args:
        sampler: Decoder with the camera of the aligned crop, for sampling coefficients.
        renderer: Decoder with the camera of the images.
        batch_size: Number of faces.
        seed: Integer tensor `[2]`.

    Returns:
        Images `uint8 [batch_size, H, W, 3]` and five points `[batch_size, 5, 2]` in pixel
        centres, `(column, row)`.
    """
    face_seed, background_seed = tf.unstack(tf.random.split(seed, 2))
    coefficients = coefficient_sampling.sample_coefficients(sampler, batch_size, face_seed, FACES)
    decoded = renderer(coefficients)
    size = renderer.camera.image_size
    background = backgrounds.cluttered_background(batch_size, size, background_seed)
    lit, mask = tf.clip_by_value(decoded["image"], 0.0, 1.0), decoded["mask"]
    # The detector needs a head around the face.
    skin = tf.math.divide_no_nan(
        tf.reduce_sum(lit * decoded["region_mask"], axis=(1, 2)),
        tf.reduce_sum(decoded["region_mask"], axis=(1, 2)),
    )
    scene = backgrounds.draw_hair_and_shoulders(
        background, skin, tf.random.fold_in(seed, 2), size / _MAGNIFICATION
    )
    image = mask * lit + (1.0 - mask) * scene
    images = np.rint(255 * np.clip(image.numpy(), 0.0, 1.0)).astype(np.uint8)
    return images, decoded["five_points"].numpy()


def measure(model: MorphableModel, count: int, seed: int, misses: pathlib.Path | None) -> dict:
    """Runs the detector on `count` random faces and returns the results."""
    sampler, renderer = FaceDecoder(model), FaceDecoder(model, camera=CAMERA)
    detector = FaceDetector()
    errors, found, done = [], 0, 0
    with tqdm(total=count, unit="face") as progress:
        while done < count:
            batch_seed = tf.constant([seed % 2**31, done], tf.int32)
            images, points = render_faces(sampler, renderer, BATCH_SIZE, batch_seed)
            for image, true in zip(images[: count - done], points, strict=False):
                faces = detector.detect(image)
                if len(faces) == 1:
                    errors.append(in_eye_frame(faces[0].five_points - true, true))
                elif misses:
                    misses.mkdir(parents=True, exist_ok=True)
                    image_files.write_image(misses / f"face_{done:04d}.png", image)
                found += len(faces) == 1
                done += 1
                progress.update()
    errors = np.array(errors).reshape(-1, 5, 2)
    distances = np.linalg.norm(errors, axis=-1)
    return {
        "face_model": model.name,
        "faces": count,
        "seed": seed,
        "detected_fraction": found / count,
        "five_point_error_iod": float(distances.mean()) if found else None,
        "point_errors_iod": mean_by_point(distances) if found else None,
        "point_offsets_iod": mean_by_point(errors) if found else None,
    }


def mean_by_point(values: np.ndarray) -> dict:
    """Means of `values` `[faces, 5, ...]` over the faces, by name of the point."""
    return dict(zip(POINT_NAMES, values.mean(axis=0).tolist(), strict=True))


def in_eye_frame(offsets: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Rotates `offsets` `[5, 2]` to (along, across) the line of the eyes, in eye distances."""
    across = points[1] - points[0]
    return offsets @ np.array([[across[0], -across[1]], [across[1], across[0]]]) / (across @ across)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--face-model", default="procedural", help="face model name or .npz file")
    parser.add_argument("--count", type=int, default=200, help="number of faces (default 200)")
    parser.add_argument("--seed", type=int, default=SEED, help="seed of the faces")
    parser.add_argument("--json", type=pathlib.Path, help="also write the results to this file")
    parser.add_argument(
        "--misses", type=pathlib.Path, help="folder for images without exactly one detection"
    )
    arguments = parser.parse_args()
    if arguments.count < 1:
        parser.error(f"--count must be at least 1, not {arguments.count}")
    try:
        model = MorphableModel.from_preset(arguments.face_model)
    except (FileNotFoundError, ValueError) as error:
        parser.error(str(error))
    figures = measure(model, arguments.count, arguments.seed, arguments.misses)
    least, greatest = REQUIREMENTS.get(model.name, DEFAULT_REQUIREMENT)
    found = 100 * figures["detected_fraction"]
    print(f"{model.name}: exactly one face in {found:.1f} % (at least {100 * least:.0f} required)")
    if figures["point_errors_iod"]:
        error = figures["five_point_error_iod"]
        print(f"five points off by {error:.3f} eye distances (at most {greatest:.2f} required)")
        for name, value in figures["point_errors_iod"].items():
            along, down = figures["point_offsets_iod"][name]
            print(f"  {name:18s} {value:.3f}, on average {along:+.3f} along, {down:+.3f} down")
    if arguments.json:
        json_files.write_json(arguments.json, figures)


if __name__ == "__main__":
    main()
