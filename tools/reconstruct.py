"""Reconstructs the faces of photographs: meshes, pictures and numbers into a folder.

    python tools/reconstruct.py photo.jpg more_photos/ --out faces --refine

For each face: <name>.obj with material and texture, <name>_neutral.obj, <name>_overlay.png (a
panel), <name>_photo.png (the face in its photograph), <name>.json (named coefficients, pose,
camera, crop, landmarks) and <name>.npz (arrays). A photograph that fails does not stop the others;
they are listed at the end, and the exit code is then 1.
"""

import argparse
import collections
import os
import pathlib
import sys
from collections.abc import Iterable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from tqdm import tqdm

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp", ".gif")


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("photos", nargs="+", type=pathlib.Path, help="image files, or folders")
    parser.add_argument("--out", required=True, type=pathlib.Path, help="folder to write to")
    parser.add_argument("--refine", action="store_true", help="fit through the renderer as well")
    parser.add_argument("--all-faces", action="store_true", help="not only the largest face")
    network = parser.add_mutually_exclusive_group()
    network.add_argument("--preset", default="r_net_small", help="shipped network")
    network.add_argument("--weights", type=pathlib.Path, help="network of your own (.keras)")
    parser.add_argument("--face-model", help="name or .npz of the 3DMM, if the network's own moved")
    parser.add_argument("--overwrite", action="store_true", help="replace files of earlier runs")
    return parser.parse_args(arguments)


def list_photos(paths: Iterable[pathlib.Path]) -> list[pathlib.Path]:
    """Files as given, and images that stand directly in a given folder; none of them twice."""
    photos = []
    for path in paths:
        if path.is_dir():
            inside = sorted(p for p in path.iterdir() if p.suffix.lower() in IMAGE_SUFFIXES)
            if not inside:
                raise ValueError(f"{path} holds no images ({', '.join(IMAGE_SUFFIXES)}).")
            photos.extend(inside)
        else:
            photos.append(path)
    return list(dict.fromkeys(photos))


def choose_stems(photos: list[pathlib.Path]) -> list[str]:
    """One name per photo; those that share a stem get their suffix, then a number."""
    counts = collections.Counter(photo.stem.lower() for photo in photos)
    stems, taken = [], set()
    for photo in photos:
        stem = photo.stem
        if counts[stem.lower()] > 1:
            stem = f"{stem}_{photo.suffix.lstrip('.').lower()}" if photo.suffix else stem
        name, number = stem, 2
        while name.lower() in taken:
            name, number = f"{stem}_{number}", number + 1
        taken.add(name.lower())
        stems.append(name)
    return stems


def reconstruct_photo(reconstructor, photo: pathlib.Path, stem: str, options) -> int:
    """Reconstructs and writes the faces of one photo; returns how many."""
    faces = reconstructor.reconstruct(
        photo, refine=options.refine, all_faces=options.all_faces, progress=False
    )
    for number, face in enumerate(faces, start=1):
        name = stem if number == 1 else f"{stem}_face{number}"
        face.save(options.out, name, overwrite=options.overwrite)
    return len(faces)


def main(arguments: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    options = parse_arguments(arguments)
    from tf_facerecon.inference.reconstructor import FaceReconstructor

    try:
        photos = list_photos(options.photos)
        options.out.mkdir(parents=True, exist_ok=True)
        reconstructor = FaceReconstructor.from_preset(
            options.weights or options.preset, face_model=options.face_model
        )
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    failures, num_faces = {}, 0
    with tqdm(list(zip(photos, choose_stems(photos), strict=True)), unit="photo") as progress:
        for photo, stem in progress:
            progress.set_description(photo.name)
            try:
                num_faces += reconstruct_photo(reconstructor, photo, stem, options)
            except (OSError, ValueError) as error:
                failures[photo] = error
    done = len(photos) - len(failures)
    print(f"{num_faces} face(s) of {done} of {len(photos)} photo(s) written to {options.out}")
    for photo, error in failures.items():
        print(f"failed: {photo}: {error}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
