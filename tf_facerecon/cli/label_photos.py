"""Makes the folders of labelled photographs that training needs from an archive and its labels.

    tf-facerecon label-photos --photos lfw.tar --labels lfw_labels.npz --out lfw

The labels are an .npz with `names` [N], paths `<person>/<photo>.jpg`, and either `landmarks478`
[N, 478, 3] of MediaPipe's face mesh with `map68` [68], which of them are the iBUG 68, or `points3d`
[N, 3, 68]; columns and rows in pixels of the photographs. Written are

    lfw/train/<person>/<photo>.jpg              the photograph, unchanged
    lfw/train/<person>/landmarks/<photo>.txt    its 68 landmarks, rows `column row`
    lfw/held_out/...                            one person in eleven, left out of training

Photographs without labels are left out and counted. The command can be killed at any moment and
repeated: what is there already is not written again. Then

    tf-facerecon train --config r_net_photos data.folder=lfw/train
"""

import argparse
import pathlib
import sys

from tf_facerecon.cli import labelled_photo_options
from tf_facerecon.cli.command_parser import command_parser

EXIT_BAD_INPUT = 2


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    """Parses the command line."""
    parser = command_parser("label-photos", __doc__)
    labelled_photo_options.add_labelled_photos(parser)
    parser.add_argument("--out", type=pathlib.Path, required=True, help="folder to write to")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    options = parse_arguments(arguments)
    from tf_facerecon.datasets import labelled_photo_folders, labelled_photos

    try:
        labels = labelled_photos.read_labels(options.labels)
        counts = labelled_photo_folders.write_labelled_photos(options.photos, labels, options.out)
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_BAD_INPUT
    for split in (labelled_photo_folders.TRAIN, labelled_photo_folders.HELD_OUT):
        print(f"{counts[split]} photographs with landmarks are in {options.out / split}")
    if counts[labelled_photo_folders.UNLABELLED]:
        print(f"{counts[labelled_photo_folders.UNLABELLED]} photographs have no labels: left out")
    return 0
