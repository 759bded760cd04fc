"""`tf-facerecon reconstruct` of single photographs."""

import argparse
import pathlib
import sys
from collections.abc import Iterator

import tensorflow as tf
from tqdm import tqdm

from tf_facerecon.cli import photo_arguments
from tf_facerecon.inference.reconstructor import FaceReconstructor
from tf_facerecon.io import atomic_files
from tf_facerecon.photos import point_files


def run_photos(options: argparse.Namespace) -> int:
    """Reconstructs every photograph of the command line; returns the exit code."""
    is_new = not options.out.exists()
    try:
        photos, failures = photo_arguments.list_all_photos(options.photos)
        photo_arguments.check_out(options.out, options.photos)
        atomic_files.make_folder(options.out)
        reconstructor = FaceReconstructor.from_preset(
            options.network, face_model=options.face_model
        )
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        if is_new:
            photo_arguments.remove_if_empty(options.out)
        return 2
    num_faces, num_left_out = 0, len(failures)
    stems = photo_arguments.choose_stems(photos)
    with tqdm(list(zip(photos, stems, strict=True)), unit="photo") as progress:
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
        print(f"no face was reconstructed from {len(photos)} photo(s): nothing was written")
    if is_new:
        photo_arguments.remove_if_empty(options.out)
    return photo_arguments.report_failures(failures)


def reconstruct_photo(
    reconstructor, photo: pathlib.Path, stem: str, photos: list[pathlib.Path], options
) -> Iterator[str]:
    """Reconstructs the faces of one of `photos`; yields the name of each once it is written."""
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
