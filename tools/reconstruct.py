"""Reconstructs the faces of photographs: meshes, pictures and numbers into a folder.

    python tools/reconstruct.py photo.jpg more_photos/ --out faces --refine
    python tools/reconstruct.py --set anna_photos/ --out faces

Photographs: for each face <name>.obj with material and <name>_texture.png, <name>_neutral.obj,
<name>_overlay.png (a panel), <name>_photo.png (the face in its photograph), <name>.json (named
coefficients, pose, camera, crop, landmarks) and <name>.npz (arrays).

Sets (--set): every folder holds photographs of one person; the largest face of each counts. From
them comes one face, in <out>/<folder>/: <folder>.obj (the person, neutral), <folder>_<photo>.obj
(the person with the expression and pose of that photograph), <folder>_confidence.png (which
photograph gave the nose, the jaw), <folder>.json and <folder>.npz (everything in numbers). How one
face is made of many is chosen by --aggregate:

    cnet  a mean in which C-Net says how far to trust each photograph, coefficient by coefficient:
          blurred, covered or badly lit ones count less
    mean  the plain mean of the identity coefficients: as good where all photographs are good
    best  the identity from the one photograph in which the detector is surest of the face

Photographs without a face, copies of others, and those that seem to show somebody else are named.

A photograph or set that fails does not stop the others; they are listed at the end, and the exit
code is then 1. Photographs are never overwritten.
"""

import argparse
import collections
import contextlib
import os
import pathlib
import re
import sys
import warnings
from collections.abc import Iterable, Iterator

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from tqdm import tqdm

from tf_facerecon.cli import network_option

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp", ".gif")


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("photos", nargs="*", type=pathlib.Path, help="image files, or folders")
    parser.add_argument(
        "--set",
        dest="sets",
        nargs="+",
        default=[],
        type=pathlib.Path,
        metavar="FOLDER",
        help="folders with photographs of one person each, instead of single photographs",
    )
    parser.add_argument(
        "--aggregate",
        choices=("cnet", "mean", "best"),
        help="how a set becomes one face (see above; by default cnet)",
    )
    parser.add_argument("--out", required=True, type=pathlib.Path, help="folder to write to")
    parser.add_argument("--refine", action="store_true", help="fit through the renderer as well")
    parser.add_argument("--all-faces", action="store_true", help="not only the largest face")
    network_option.add_network(parser)
    parser.add_argument(
        "--points",
        type=pathlib.Path,
        metavar="FOLDER",
        help="folder with <photo's name>.txt for photographs whose face the detector misses or "
        "takes wrongly: 5 rows `column row` (eye on the left, on the right, nose tip, corner of "
        "the mouth on the left, on the right) or 68 (iBUG), pixels of the upright photograph",
    )
    parser.add_argument("--face-model", help="name or .npz of the 3DMM, if the network's own moved")
    parser.add_argument("--c-net", default="c_net_small", help="C-Net of a set: preset or .keras")
    parser.add_argument(
        "--identity-network",
        default="identity_small",
        help="preset or .keras that notices somebody else in a set; none for no such check",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace files of earlier runs")
    options = parser.parse_intermixed_args(arguments)
    if bool(options.photos) == bool(options.sets):
        parser.error("give photographs, or folders of one person each after --set")
    if options.sets and (options.refine or options.all_faces or options.points):
        parser.error("--refine, --all-faces, --points are for single photographs, not for --set")
    if options.points and not options.points.is_dir():
        parser.error(f"--points {options.points} is no folder")
    if options.aggregate and not options.sets:
        parser.error("--aggregate chooses how a set becomes one face: give it with --set")
    return options


def list_photos(path: pathlib.Path) -> list[pathlib.Path]:
    """A file as given, or the images that stand directly in a folder."""
    if not path.is_dir():
        return [path]
    inside = sorted(p for p in path.iterdir() if p.suffix.lower() in IMAGE_SUFFIXES)
    if not inside:
        raise ValueError(f"{path} holds no images ({', '.join(IMAGE_SUFFIXES)}).")
    return inside


def each_once(paths: Iterable[pathlib.Path]) -> list[pathlib.Path]:
    """`paths` without those that lead to the same file as an earlier one."""
    first = {}
    for path in paths:
        first.setdefault(os.path.realpath(path), path)
    return list(first.values())


def list_all_photos(
    paths: Iterable[pathlib.Path],
) -> tuple[list[pathlib.Path], dict[pathlib.Path, Exception]]:
    """`list_photos` of all `paths`, none of them twice; and the paths that gave none, and why.

    Raises:
        ValueError: If no path gave any.
    """
    photos, failures = [], {}
    for path in paths:
        try:
            photos.extend(list_photos(path))
        except (OSError, ValueError) as error:
            failures[path] = error
    if not photos:
        raise next(iter(failures.values()))
    return each_once(photos), failures


def check_out(out: pathlib.Path, paths: Iterable[pathlib.Path]) -> None:
    """Raises `ValueError` if results would go into a folder of photographs, to be read as such."""
    for path in paths:
        if path.is_dir() and path.resolve() == out.resolve():
            raise ValueError(f"--out {out} is a folder of photographs; choose another folder.")


def choose_stems(photos: list[pathlib.Path]) -> list[str]:
    """One name per photo, so that no two photos write a file of the same name.

    Photos whose names clash get their suffix, then a number.
    """
    num_writers = collections.Counter(name for photo in photos for name in _writers(_stem(photo)))
    num_photos = collections.Counter(_stem(photo).lower() for photo in photos)
    stems, taken, reserved = [], set(), set()
    for photo in photos:
        stem = _stem(photo)
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


def _stem(photo: pathlib.Path) -> str:
    """A file name without its suffix, as text, which file names need not be."""
    return os.fsencode(photo.stem).decode("utf-8", "replace")


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
) -> Iterator[str]:
    """Reconstructs and writes the faces of one of `photos`; gives the name of each once written."""
    from tf_facerecon.photos import point_files

    points = options.points and point_files.points_path(photo, options.points)
    faces = reconstructor.reconstruct(
        photo,
        refine=options.refine,
        all_faces=options.all_faces,
        landmarks=point_files.read_points(points, 5, 68) if points and points.is_file() else None,
        progress=False,
    )
    for number, face in enumerate(faces, start=1):
        name = stem if number == 1 else f"{stem}_face{number}"
        face.save(options.out, name, overwrite=options.overwrite, keep=photos)
        yield name


def choose_set_names(folders: list[pathlib.Path]) -> list[str]:
    """One name per folder; folders of the same name are numbered."""
    names, taken = [], set()
    for folder in folders:
        own = folder.resolve().name or "set"
        name, number = own, 2
        while name.lower() in taken:
            name, number = f"{own}_{number}", number + 1
        taken.add(name.lower())
        names.append(name)
    return names


def reconstruct_set(
    reconstructor, folder: pathlib.Path, name: str, options, failures: dict
) -> None:
    """Reconstructs and writes one person; adds photographs that failed, and why, to `failures`."""
    from tf_facerecon.export.image_set_files import is_even
    from tf_facerecon.inference import image_set_reconstructor

    photos = list_photos(folder)
    check_out(options.out / name, options.sets)
    written = options.out / name / f"{name}.json"
    if written.exists() and not options.overwrite:
        raise FileExistsError(f"{written} exists already; replace it with --overwrite.")
    with warnings.catch_warnings():
        # The result says the same; here it is printed as the other messages are.
        warnings.simplefilter("ignore", image_set_reconstructor.ImageSetWarning)
        person = reconstructor.reconstruct(
            photos, aggregate=options.aggregate or "cnet", progress=True
        )
    for warning in person.warnings:
        print(f"warning: {name}: {warning}", file=sys.stderr)
    failures |= person.failures
    person.save(options.out / name, name, overwrite=options.overwrite, keep=photos)
    print(
        f"{name}: one face from {sum(person.counted)} of {len(photos)} photo(s) written to "
        f"{options.out / name}"
    )
    for region, shares in person.region_shares().items():
        most = int(shares.argmax())
        leader = person.images[most].name
        lead = "the same from all" if is_even(shares) else f"most from {leader}"
        print(f"  {region:<5} {lead} ({shares[most]:.0%})")


def main(arguments: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    options = parse_arguments(arguments)
    # Of odd photographs Pillow says things that help nobody; what matters is said by the package.
    warnings.filterwarnings("ignore", module=r"PIL\.")
    return run_sets(options) if options.sets else run_photos(options)


def run_sets(options: argparse.Namespace) -> int:
    """Reconstructs every set of the command line; returns the exit code."""
    from tf_facerecon.inference import image_set_reconstructor
    from tf_facerecon.io import atomic_files

    folders = [folder for folder in options.sets if folder.is_dir()]
    failures = {f: "is no folder of photographs" for f in options.sets if f not in folders}
    with_c_net = options.aggregate in (None, "cnet")
    is_new = not options.out.exists()
    try:
        if not folders:
            raise ValueError(f"--set {options.sets[0]} is no folder of photographs.")
        check_out(options.out, folders)
        atomic_files.make_folder(options.out)
        embed = options.identity_network
        reconstructor = image_set_reconstructor.ImageSetReconstructor.from_preset(
            options.network,
            c_net=options.c_net if with_c_net else None,
            identity_network=None if embed == "none" else embed,
            face_model=options.face_model,
        )
    except (OSError, ValueError) as error:
        hint = " --aggregate mean needs no C-Net." if options.c_net in str(error) else ""
        print(f"error: {error}{hint}", file=sys.stderr)
        if is_new:
            remove_if_empty(options.out)
        return 2
    for folder, name in zip(folders, choose_set_names(folders), strict=True):
        try:
            reconstruct_set(reconstructor, folder, name, options, failures)
        except image_set_reconstructor.SURVIVABLE as error:
            failures[folder] = error
    if is_new:
        remove_if_empty(options.out)
    return report_failures(failures)


def remove_if_empty(folder: pathlib.Path) -> None:
    """Leaves no folder behind in which nothing was written."""
    with contextlib.suppress(OSError):
        folder.rmdir()


def report_failures(failures: dict) -> int:
    """Lists what failed and why; returns the exit code."""
    for source, error in failures.items():
        print(f"failed: {source}: {str(error) or type(error).__name__}", file=sys.stderr)
    return 1 if failures else 0


def run_photos(options: argparse.Namespace) -> int:
    """Reconstructs every photograph of the command line; returns the exit code."""
    import tensorflow as tf

    from tf_facerecon.inference.reconstructor import FaceReconstructor
    from tf_facerecon.io import atomic_files

    is_new = not options.out.exists()
    try:
        photos, failures = list_all_photos(options.photos)
        check_out(options.out, options.photos)
        atomic_files.make_folder(options.out)
        reconstructor = FaceReconstructor.from_preset(
            options.network, face_model=options.face_model
        )
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        if is_new:
            remove_if_empty(options.out)
        return 2
    num_faces, num_left_out = 0, len(failures)
    with tqdm(list(zip(photos, choose_stems(photos), strict=True)), unit="photo") as progress:
        for photo, stem in progress:
            progress.set_description(photo.name)
            try:
                for _ in reconstruct_photo(reconstructor, photo, stem, photos, options):
                    num_faces += 1
            except (OSError, ValueError, MemoryError, tf.errors.OpError) as error:
                failures[photo] = error
    done = len(photos) - (len(failures) - num_left_out)
    if num_faces:
        print(
            f"{num_faces} face(s) written to {options.out}; {done} of {len(photos)} photo(s) done"
        )
    else:
        print(f"no face of {len(photos)} photo(s) was reconstructed: nothing was written")
    if is_new:
        remove_if_empty(options.out)
    return report_failures(failures)


if __name__ == "__main__":
    sys.exit(main())
