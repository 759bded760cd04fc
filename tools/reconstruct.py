"""Reconstructs the faces of photographs: meshes, pictures and numbers into a folder.

    python tools/reconstruct.py photo.jpg more_photos/ --out faces --refine

For each face: <name>.obj with material and <name>_texture.png, <name>_neutral.obj,
<name>_overlay.png (a panel), <name>_photo.png (the face in its photograph), <name>.json (named
coefficients, pose, camera, crop, landmarks) and <name>.npz (arrays). A photograph that fails does
not stop the others; they are listed at the end, and the exit code is then 1. Photographs are never
overwritten.
"""

import argparse
import collections
import os
import pathlib
import re
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


def check_out(out: pathlib.Path, paths: Iterable[pathlib.Path]) -> None:
    """Raises `ValueError` if results would go into a folder of photographs, to be read as such."""
    for path in paths:
        if path.is_dir() and path.resolve() == out.resolve():
            raise ValueError(f"--out {out} is a folder of photographs; choose another folder.")


def choose_stems(photos: list[pathlib.Path]) -> list[str]:
    """One name per photo, so that no two photos write a file of the same name.

    Photos whose names clash get their suffix, then a number.
    """
    num_writers = collections.Counter(name for photo in photos for name in _writers(photo.stem))
    num_photos = collections.Counter(photo.stem.lower() for photo in photos)
    stems, taken, reserved = [], set(), set()
    for photo in photos:
        stem = photo.stem
        own = stem.lower()
        clashes = num_writers[own] > 1 or any(num_photos[name] for name in _writers(stem) - {own})
        if clashes and photo.suffix:
            stem = f"{stem}_{photo.suffix.lstrip('.').lower()}"
        name, number = stem, 2
        while name.lower() in reserved or _writers(name) & taken:
            name, number = f"{stem}_{number}", number + 1
        taken.add(name.lower())
        reserved |= _writers(name)
        stems.append(name)
    return stems


def _writers(stem: str) -> set[str]:
    """Lower-case stems whose photos write a file that begins with `stem`: `a` for `a_face2`.

    The second face of `a.jpg` is written as `a_face2`, and its neutral mesh as `a_face2_neutral`.
    """
    stem = stem.lower()
    without_neutral = re.sub(r"_neutral$", "", stem)
    without_face = (re.sub(r"_face\d+$", "", name) for name in (stem, without_neutral))
    return {stem, without_neutral, *without_face}


def reconstruct_photo(
    reconstructor, photo: pathlib.Path, stem: str, photos: list[pathlib.Path], options
) -> int:
    """Reconstructs and writes the faces of one of `photos`; returns how many."""
    faces = reconstructor.reconstruct(
        photo, refine=options.refine, all_faces=options.all_faces, progress=False
    )
    for number, face in enumerate(faces, start=1):
        name = stem if number == 1 else f"{stem}_face{number}"
        face.save(options.out, name, overwrite=options.overwrite, keep=photos)
    return len(faces)


def main(arguments: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    options = parse_arguments(arguments)
    import tensorflow as tf

    from tf_facerecon.inference.reconstructor import FaceReconstructor
    from tf_facerecon.io import atomic_files

    try:
        photos = list_photos(options.photos)
        check_out(options.out, options.photos)
        atomic_files.make_folder(options.out)
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
                num_faces += reconstruct_photo(reconstructor, photo, stem, photos, options)
            except (OSError, ValueError, MemoryError, tf.errors.OpError) as error:
                failures[photo] = error
    done = len(photos) - len(failures)
    print(f"{num_faces} face(s) of {done} of {len(photos)} photo(s) written to {options.out}")
    for photo, error in failures.items():
        print(f"failed: {photo}: {str(error) or type(error).__name__}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
