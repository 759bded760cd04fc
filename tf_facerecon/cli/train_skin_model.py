"""Fits a skin-colour model to photographs with labelled skin pixels.

    tf-facerecon train-skin-model labelled --out skin.npz

The folder `labelled` holds
    images/<name>.jpg or .png     photographs
    masks/<name>.png              of the same size: white where there is skin, black where there is
                                  none, grey (56 to 199) where a pixel is to be ignored

The photographs should cover the skin colours and the lighting of those you will reconstruct; some
dozens are enough, because the model sees colour only. Every tenth pixel is held out, and the
accuracy on the held-out pixels is printed for the new model and for the published one.

Use the model:
    tf-facerecon prepare-photos my_photos --skin-model skin.npz
    FaceReconstructor.from_preset(..., skin_model=SkinModel.load("skin.npz"))

Photographs that fail are skipped and listed at the end; the exit code is then 1. An interrupted run
leaves no partial file.
"""

import argparse
import pathlib
import sys

import numpy as np
from tqdm import tqdm

from tf_facerecon.cli.command_parser import command_parser

EXIT_SOME_FAILED = 1
EXIT_BAD_INPUT = 2
IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png")
SKIN_FROM = 200  # Mask values from this one are skin ...
OTHER_TO = 55  # ... and up to this one background.
HELD_OUT_EVERY = 10


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    """Parses the command line."""
    parser = command_parser("train-skin-model", __doc__)
    parser.add_argument("folder", type=pathlib.Path, help="folder that holds images/ and masks/")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="model to write, .npz")
    parser.add_argument(
        "--components", type=int, default=4, help="Gaussians per mixture (default: 4)"
    )
    parser.add_argument(
        "--pixels", type=int, default=400_000, help="pixels per class in all (default: 400000)"
    )
    parser.add_argument(
        "--seed", type=int, default=0, help="seed of the pixel sampling and of the fit (default: 0)"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace an existing model")
    options = parser.parse_args(arguments)
    if options.out.suffix != ".npz":
        parser.error(f"--out must end in .npz, got {options.out}")
    if min(options.components, options.pixels) < 1 or options.seed < 0:
        parser.error("--components and --pixels must be at least 1, --seed not negative")
    return options


def list_images(folder: pathlib.Path) -> list[pathlib.Path]:
    """Photographs of the labelled folder, sorted by name."""
    for name in ("images", "masks"):
        if not (folder / name).is_dir():
            raise FileNotFoundError(f"{folder / name} is missing; see --help for the layout.")
    images = [p for p in (folder / "images").iterdir() if p.suffix.lower() in IMAGE_SUFFIXES]
    if not images:
        raise FileNotFoundError(
            f"{folder / 'images'} contains no {', '.join(IMAGE_SUFFIXES)} files."
        )
    return sorted(images)


def read_labelled_pixels(image_path: pathlib.Path, mask_path: pathlib.Path) -> list[np.ndarray]:
    """Skin pixels `[N, 3]` and other pixels `[M, 3]` of one photograph, `uint8` RGB."""
    from tf_facerecon.io import image_files

    image = image_files.read_image(image_path)
    mask = image_files.read_image(mask_path)[..., 0]
    if mask.shape != image.shape[:2]:
        raise ValueError(
            f"{mask_path} must have the size of its photograph, "
            f"{image.shape[1]} x {image.shape[0]}. Received: {mask.shape[1]} x {mask.shape[0]}."
        )
    return [image[mask >= SKIN_FROM], image[mask <= OTHER_TO]]


def collect_pixels(
    images: list[pathlib.Path], masks: pathlib.Path, pixels: int, seed: int
) -> tuple[list[np.ndarray], dict[pathlib.Path, Exception]]:
    """As many pixels from each photograph, per class; and the errors of unreadable files."""
    chosen, failures = ([], []), {}
    share = -(-pixels // len(images))
    for number, path in enumerate(tqdm(images, "read labels", unit="photo")):
        generator = np.random.default_rng([seed, number])
        try:
            labelled = read_labelled_pixels(path, masks / f"{path.stem}.png")
        except (ValueError, OSError) as error:
            failures[path] = error
            continue
        for part, found in zip(chosen, labelled, strict=True):
            part.append(generator.permutation(found)[:share])
    return [np.concatenate([np.empty([0, 3], np.uint8), *part]) for part in chosen], failures


def accuracy(model, skin: np.ndarray, other: np.ndarray) -> float:
    """Balanced accuracy: the mean of both classes' shares of correctly classified pixels."""
    right_skin = np.mean(model.probability(skin) > 0.5)
    return float(0.5 * (right_skin + np.mean(model.probability(other) <= 0.5)))


def list_failures(failures: dict[pathlib.Path, Exception]) -> None:
    """Prints which photographs could not be used, and why."""
    for path, error in failures.items():
        print(f"failed: {path}: {error}", file=sys.stderr)


def main(arguments: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    options = parse_arguments(arguments)
    from tf_facerecon.photos.skin_probability import SkinModel

    failures = {}
    try:
        if options.out.exists() and not options.overwrite:
            raise FileExistsError(f"{options.out} exists; add --overwrite to replace it.")
        images = list_images(options.folder)
        pixels, failures = collect_pixels(
            images, options.folder / "masks", options.pixels, options.seed
        )
        held_out = [part[::HELD_OUT_EVERY] for part in pixels]
        skin, other = (np.delete(p, np.s_[::HELD_OUT_EVERY], axis=0) for p in pixels)
        print(f"Fitting to {len(skin)} skin and {len(other)} other pixels ...", flush=True)
        model = SkinModel.fit(skin, other, options.components, options.seed)
        model.save(options.out)
    except (ValueError, OSError) as error:
        list_failures(failures)
        print(f"error: {error}", file=sys.stderr)
        return EXIT_BAD_INPUT
    print(
        f"Accuracy on held-out pixels: {accuracy(model, *held_out):.1%} "
        f"(published model: {accuracy(SkinModel.default(), *held_out):.1%})\n"
        f"Model written to {options.out}"
    )
    list_failures(failures)
    return EXIT_SOME_FAILED if failures else 0
