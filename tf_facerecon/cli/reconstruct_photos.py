"""`tf-facerecon reconstruct` of single photographs."""

import argparse
import pathlib
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping

import numpy as np
import tensorflow as tf
from tqdm import tqdm

from tf_facerecon.cli import earlier_results, photo_arguments
from tf_facerecon.export import deep3d_files
from tf_facerecon.inference import output_names
from tf_facerecon.inference.doubts import DoubtfulFaceWarning
from tf_facerecon.inference.reconstructor import FaceReconstructor
from tf_facerecon.io import atomic_files, file_groups
from tf_facerecon.photos import face_alignment, point_files

PHOTO_ERRORS = (OSError, ValueError, MemoryError, tf.errors.OpError)


def run_photos(options: argparse.Namespace) -> int:
    """Reconstructs every photograph of the command line; returns the exit code."""
    is_new = True
    try:
        is_new = not options.out.exists()
        given = photo_arguments.list_all_photos(options.photos)
        photo_arguments.check_out(options.out, options.photos)
        points = photo_arguments.find_points(given.photos, options.points)
        atomic_files.make_folder(options.out)
        reconstructor = FaceReconstructor.from_preset(
            options.network, face_model=options.face_model
        )
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        if is_new:
            photo_arguments.remove_if_empty(options.out)
        return 2
    photos, failures, notes = given.photos, dict(given.failures), []
    num_faces = num_done = num_skipped = 0
    stems = photo_arguments.choose_stems(photos)
    with tqdm(list(zip(photos, stems, strict=True)), unit="photo") as progress:
        for photo, stem in progress:
            progress.set_description(photo.name)
            try:
                if is_finished(photo, stem, photos, options):
                    num_skipped += 1
                    continue
                for _ in reconstruct_photo(
                    reconstructor, photo, stem, photos, points, options, notes.append
                ):
                    num_faces += 1
                num_done += 1
            except PHOTO_ERRORS as error:
                failures[photo] = error
    if num_faces:
        print(
            f"{num_faces} face(s) written to {options.out}; {num_done} of {len(photos)} photo(s) "
            "done"
        )
    elif not num_skipped:
        print(f"no face was reconstructed from {len(photos)} photo(s): nothing was written")
    if num_skipped:
        print(f"{num_skipped} of {len(photos)} photo(s) skipped: their results exist")
    photo_arguments.report_names(photos, stems)
    if is_new:
        photo_arguments.remove_if_empty(options.out)
    for note in notes:
        print(f"warning: {note}", file=sys.stderr)
    photo_arguments.report_not_read(given.not_read)
    return photo_arguments.report_failures(failures)


def is_finished(photo: pathlib.Path, stem: str, photos: list[pathlib.Path], options) -> bool:
    """Whether the results of a photograph exist and are to be kept (`--skip-existing`).

    Its other faces are written before its largest one, whose files therefore stand for all.

    Raises:
        FileExistsError: If a file is in the way of the results; found before they are computed.
    """
    paths = [options.out / name for name in file_names(stem, options)]
    if options.skip_existing and all(path.exists() for path in paths):
        earlier_results.check_source(options.out / f"{stem}.json", [photo])
        return True
    file_groups.check_free(paths, [photo, *photos], options.overwrite)
    return False


def file_names(stem: str, options) -> list[str]:
    """Names of the files that one face is written to."""
    if options.format == "standard":
        return output_names.face_files(stem, options.save)
    return deep3d_files.file_names(stem, photo_arguments.DEEP3D_FLAVOURS[options.format])


def save_face(face, folder: pathlib.Path, name: str, options, photos: list[pathlib.Path]) -> None:
    """Writes the files of one face in the format of the command line."""
    rules = {"overwrite": options.overwrite, "keep": photos}
    if options.format == "standard":
        face.save(folder, name, outputs=options.save, **rules)
    else:
        flavour = photo_arguments.DEEP3D_FLAVOURS[options.format]
        deep3d_files.write_deep3d_files(face, folder, name, flavour, **rules)


def reconstruct_photo(
    reconstructor,
    photo: pathlib.Path,
    stem: str,
    photos: list[pathlib.Path],
    points: Mapping[pathlib.Path, pathlib.Path],
    options,
    note: Callable[[str], None],
) -> Iterator[str]:
    """Reconstructs the faces of one of `photos`; yields the name of each once it is written.

    Args:
        reconstructor: The `FaceReconstructor`.
        photo: The photograph.
        stem: Start of the names of its files.
        photos: All photographs; none is overwritten.
        points: The point file of each photograph that has one.
        options: Of the command line.
        note: Called with each message for the end of the run.
    """
    landmarks = None
    if photo in points:
        landmarks = read_landmarks(points[photo])
        if options.all_faces:
            note(
                f"{photo}: --points {points[photo]} gives one face; --all-faces looks for no "
                "others there"
            )
    with warnings.catch_warnings():
        # The end of the run names doubtful faces.
        warnings.simplefilter("ignore", DoubtfulFaceWarning)
        faces = reconstructor.reconstruct(
            photo,
            refine=options.refine,
            all_faces=options.all_faces,
            landmarks=landmarks,
            progress=False,
        )
    in_the_way = []
    for number, face in reversed(list(enumerate(faces, start=1))):  # See `is_finished`.
        name = stem if number == 1 else f"{stem}_face{number}"
        try:
            save_face(face, options.out, name, options, photos)
        except FileExistsError as error:
            if not (number > 1 and options.skip_existing):
                in_the_way.append(error)
            continue
        if face.doubts:
            note(f"{photo}: {name} is doubtful: {'; '.join(face.doubts)}")
        if face.photo_rotation:
            note(f"{photo}: was turned by {face.photo_rotation} degrees counter-clockwise")
        yield name
    if in_the_way:
        raise in_the_way[0]


def read_landmarks(path: pathlib.Path) -> np.ndarray:
    """Five or 68 points of a file of `--points`.

    Raises:
        OSError: If the file cannot be read.
        ValueError: If the points are not those of an upright face, in the expected order.
    """
    try:
        landmarks = point_files.read_points(path, 5, 68)
    except ValueError as error:
        raise ValueError(f"--points: {error}") from error
    five = landmarks if len(landmarks) == 5 else face_alignment.five_points_from_68(landmarks)
    face_alignment.check_face_order(f"--points {path}: the points", five)
    return landmarks
