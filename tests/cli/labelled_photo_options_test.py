import argparse
import pathlib

import pytest

from tf_facerecon.cli import labelled_photo_options


def test_options_of_labelled_photos(capsys):
    parser = argparse.ArgumentParser()
    labelled_photo_options.add_labelled_photos(parser)
    labelled_photo_options.add_held_out(parser)
    options = parser.parse_args(["--photos", "a.tar", "--labels", "b.npz"])
    assert (options.photos, options.labels) == (pathlib.Path("a.tar"), pathlib.Path("b.npz"))
    assert not options.held_out
    assert parser.parse_args(["--photos", "a", "--labels", "b", "--held-out"]).held_out
    with pytest.raises(SystemExit):
        parser.parse_args(["--photos", "a.tar"])
    assert "--labels" in capsys.readouterr().err
