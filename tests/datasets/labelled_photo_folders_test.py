import os
import tarfile

import numpy as np
import pytest

from tests.datasets.made_up_photos import FACE, MadeUpDetector, landmarks_of, write_photos
from tf_facerecon.datasets import labelled_photo_folders, labelled_photos
from tf_facerecon.datasets.photo_preparation import prepare_photos

# zlib.crc32(b"p9") is 11 times 76,092,579.
NAMES = ["anna/1.jpg", "anna/2.png", "p9/1.jpg"]


@pytest.fixture
def photos(tmp_path):
    write_photos(tmp_path / "set", [*NAMES, "bert/1.jpg"])
    return tmp_path / "set"


@pytest.fixture
def labels():
    landmarks = landmarks_of(FACE)
    return labelled_photos.Labels(
        {name: landmarks + shift for shift, name in enumerate(NAMES)}, yaw={}
    )


def write(photos, labels, out):
    return labelled_photo_folders.write_labelled_photos(photos, labels, out, progress=False)


def states(folder):
    """Content and time of all files, by path."""
    return {
        path.relative_to(folder).as_posix(): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_write_labelled_photos_layout(photos, labels, tmp_path):
    counts = write(photos, labels, tmp_path / "out")
    assert counts == {"train": 2, "held_out": 1, "unlabelled": 1}
    written = states(tmp_path / "out")
    assert list(written) == [
        "held_out/p9/1.jpg",
        "held_out/p9/landmarks/1.txt",
        "train/anna/1.jpg",
        "train/anna/2.png",
        "train/anna/landmarks/1.txt",
        "train/anna/landmarks/2.txt",
    ]
    assert written["held_out/p9/1.jpg"][0] == (photos / "p9/1.jpg").read_bytes()
    lines = written["train/anna/landmarks/2.txt"][0].split(b"\n")
    assert len(lines) == 69 and lines[68] == b""
    # The left mouth corner of FACE, (64, 112), moved by (1, 1).
    assert lines[48] == b"65.000 113.000"


def test_write_labelled_photos_of_an_archive_is_that_of_a_folder(photos, labels, tmp_path):
    with tarfile.open(tmp_path / "set.tar.gz", "w:gz") as archive:
        archive.add(photos, "lfw/set")
    write(photos, labels, tmp_path / "a")
    write(tmp_path / "set.tar.gz", labels, tmp_path / "b")
    a, b = states(tmp_path / "a"), states(tmp_path / "b")
    assert {name: content for name, (content, _) in a.items()} == {
        name: content for name, (content, _) in b.items()
    }


def test_write_labelled_photos_twice_changes_what_differs_only(photos, labels, tmp_path):
    out = tmp_path / "out"
    write(photos, labels, out)
    for path in out.rglob("*"):
        os.utime(path, (1, 1))
    before = states(out)
    assert write(photos, labels, out)["train"] == 2
    assert states(out) == before
    (out / "train/anna/1.jpg").write_bytes(b"another photograph")
    (out / "train/anna/landmarks/2.txt").unlink()
    write(photos, labels, out)
    after = states(out)
    assert {name for name in after if after[name] != before[name]} == {
        "train/anna/1.jpg",
        "train/anna/landmarks/2.txt",
    }
    assert {name: content for name, (content, _) in after.items()} == {
        name: content for name, (content, _) in before.items()
    }


def test_write_labelled_photos_goes_on_where_it_stopped(photos, labels, tmp_path, monkeypatch):
    write(photos, labels, tmp_path / "whole")
    real, written = os.replace, []

    def interrupted(source, target):
        if len(written) == 3:
            raise KeyboardInterrupt
        written.append(target)
        real(source, target)

    out = tmp_path / "out"
    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write(photos, labels, out)
    # No photograph without its landmarks, nothing half-written.
    assert list(states(out)) == [
        "train/anna/1.jpg",
        "train/anna/landmarks/1.txt",
        "train/anna/landmarks/2.txt",
    ]
    monkeypatch.setattr(os, "replace", real)
    write(photos, labels, out)
    whole = states(tmp_path / "whole")
    assert {name: content for name, (content, _) in states(out).items()} == {
        name: content for name, (content, _) in whole.items()
    }


def test_written_photos_can_be_prepared(photos, labels, tmp_path):
    write(photos, labels, tmp_path / "out")
    detector = MadeUpDetector()
    prepared = prepare_photos(tmp_path / "out/train", detector=detector, progress=False)
    assert prepared.names == ("anna/1.jpg", "anna/2.png") and detector.calls == 0
    assert prepared.load("anna/2.png")["landmark_weights"].all()


@pytest.mark.parametrize(
    "name", ["1.jpg", "../1.jpg", "anna/../1.jpg", "/1.jpg", ".anna/1.jpg", "anna/.1.jpg"]
)
def test_write_labelled_photos_names_exception_raised(photos, labels, tmp_path, name):
    labels.landmarks[name] = labels.landmarks["anna/1.jpg"]
    with pytest.raises(ValueError, match="must name photographs <person>/<photo>"):
        write(photos, labels, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_write_labelled_photos_exception_raised(photos, labels, tmp_path):
    out = tmp_path / "out"
    labels.landmarks["x/anna/1.png"] = labels.landmarks["anna/1.jpg"]
    with pytest.raises(ValueError, match=r"'anna/1.jpg' and 'x/anna/1.png'"):
        write(photos, labels, out)
    labels.landmarks["x/anna/1.png"] = np.full((68, 2), np.nan)
    with pytest.raises(ValueError, match=r"landmarks of x/anna/1.png must be finite"):
        write(photos, labels, out)
    assert not out.exists()
    del labels.landmarks["x/anna/1.png"]
    with pytest.raises(FileNotFoundError, match="no folder or archive"):
        write(tmp_path / "absent", labels, out)
    labels.landmarks["carl/1.jpg"] = labels.landmarks["anna/1.jpg"]
    with pytest.raises(FileNotFoundError, match="lacks 1 photographs .*carl/1.jpg"):
        write(photos, labels, out)
