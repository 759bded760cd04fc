"""Fits a skin-colour model to photographs in which you painted the skin.

    python tools/train_skin_model.py labelled --out skin.npz

The folder `labelled` holds
    images/<name>.jpg or .png     photographs
    masks/<name>.png              as large as the photograph: white where there is skin, black where
                                  there is none, grey (56 to 199) where you do not want to say

Faces of all skin colours you mean to reconstruct, under all your lights, make a good model; some
dozens of photographs are enough, for only colour counts. Every tenth pixel is kept back, and the
tool says which share of those the new model and the published one tell right.

Use the model:
    python tools/prepare_photos.py my_photos --skin-model skin.npz
    FaceReconstructor.from_preset(..., skin_model=SkinModel.load("skin.npz"))

A photograph that fails does not stop the others; all are listed at the end, and the exit code is
then 1. The model is written whole or not at all.
"""

import argparse
import pathlib
import sys

import numpy as np
from tqdm import tqdm

EXIT_SOME_FAILED = 1
EXIT_BAD_INPUT = 2
IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png")
SKIN_FROM = 200  # Mask values from here on are skin ...
OTHER_TO = 55  # ... and up to here are not.
HELD_OUT_EVERY = 10


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=pathlib.Path, help="folder that holds images/ and masks/")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="model to write, .npz")
    parser.add_argument(
        "--components", type=int, default=4, help="Gaussians per mixture (default: 4)"
    )
    parser.add_argument(
        "--pixels", type=int, default=400_000, help="pixels per class in all (default: 400000)"
    )
    parser.add_argument(
        "--seed", type=int, default=0, help="of the choice of pixels and of the fit (default: 0)"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace an older model")
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
        raise FileNotFoundError(f"{folder / 'images'} holds no {', '.join(IMAGE_SUFFIXES)} files.")
    return sorted(images)


def read_labelled_pixels(image_path: pathlib.Path, mask_path: pathlib.Path) -> list[np.ndarray]:
    """Skin pixels `[N, 3]` and other pixels `[M, 3]` of one photograph, `uint8` RGB."""
    from tf_facerecon.io import image_files

    image = image_files.read_image(image_path)
    mask = image_files.read_image(mask_path)[..., 0]
    if mask.shape != image.shape[:2]:
        raise ValueError(
            f"{mask_path} must be as large as its photograph, {image.shape[1]} x {image.shape[0]}. "
            f"Received: {mask.shape[1]} x {mask.shape[0]}."
        )
    return [image[mask >= SKIN_FROM], image[mask <= OTHER_TO]]


def collect_pixels(
    images: list[pathlib.Path], masks: pathlib.Path, pixels: int, seed: int
) -> tuple[list[np.ndarray], dict[pathlib.Path, Exception]]:
    """Equally many pixels of each photograph, per class; and what could not be read."""
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
    """Mean over both classes of the share of pixels told right."""
    right_skin = np.mean(model.probability(skin) > 0.5)
    return float(0.5 * (right_skin + np.mean(model.probability(other) <= 0.5)))


def list_failures(failures: dict[pathlib.Path, Exception]) -> None:
    """Says which photographs could not be used, and why."""
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
        f"Pixels kept back and told right: {accuracy(model, *held_out):.1%} "
        f"(published model: {accuracy(SkinModel.default(), *held_out):.1%})\n"
        f"Model written to {options.out}"
    )
    list_failures(failures)
    return EXIT_SOME_FAILED if failures else 0


if __name__ == "__main__":
    sys.exit(main())
