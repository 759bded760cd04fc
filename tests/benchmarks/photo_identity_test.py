import json

import numpy as np
import pytest

from benchmarks import photo_identity as benchmark
from tests.datasets.made_up_photos import FACE, landmarks_of, write_photos
from tests.toy_face import build_toy_face_model
from tf_facerecon.evaluation import bootstrap, photo_identity
from tf_facerecon.layers.face_decoder import FaceDecoder

NAMES = [f"{person}/{i}.png" for person in ("anna", "bert", "carl") for i in range(2)]


@pytest.fixture
def arguments(tmp_path, monkeypatch):
    write_photos(tmp_path / "set", NAMES)
    mesh = np.zeros((6, 478, 3))
    mesh[:, :68, :2] = landmarks_of(FACE)
    np.savez(tmp_path / "labels.npz", names=NAMES, landmarks478=mesh, map68=np.arange(68))
    decoder = FaceDecoder(build_toy_face_model())
    monkeypatch.setattr(benchmark.reconstructor, "load_network", lambda name: (r_net, decoder))
    monkeypatch.setattr(bootstrap, "NUM_RESAMPLES", 100)

    def r_net(images, training):  # The mean face for everybody.
        return np.zeros((len(images), decoder.layout.total), np.float32)

    def embedding(name, weights):
        if name == "dlib":
            raise ImportError("dlib is missing")
        return lambda images, landmarks: images[:, ::32, ::32, 0].reshape(len(images), -1) + 1.0

    monkeypatch.setattr(photo_identity, "identity_embedding", embedding)
    return ["--photos", str(tmp_path / "set"), "--labels", str(tmp_path / "labels.npz")]


def test_main_prints_and_writes_results(arguments, tmp_path, capsys):
    path, images = tmp_path / "results.json", tmp_path / "images"
    options = ["--count", "3", "--json", str(path), "--write-images", str(images)]
    options += ["--identity-network", "pixels", "--identity-network", "dlib"]
    benchmark.main([*arguments, *options])
    printed = capsys.readouterr().out
    assert "3 pairs of one person and 3 of two, 6 photographs" in printed
    assert "skipped: dlib: dlib is missing" in printed
    assert "| r_net_small | 0.500 (0.500 to 0.500) | 0.500 (0.500 to 0.500) | – |" in printed
    report = json.loads(path.read_text())
    assert list(report["identity"]) == ["pixels"] and list(report["skipped"]) == ["dlib"]
    assert list(report["identity"]["pixels"]) == [
        "photographs",
        photo_identity.MEAN_FACE,
        photo_identity.MEAN_IDENTITY,
        "r_net_small",
    ]
    area = report["identity"]["pixels"]["photographs"]["area_under_curve"]
    assert 0 <= area["low"] <= area["value"] <= area["high"] <= 1
    pairs = json.loads((images / "pairs.json").read_text())
    assert len(pairs["same"]) == len(pairs["different"]) == 3
    for row in ("photographs", "mean_face", "mean_identity", "network"):
        assert (images / row / "carl/1.png.png").is_file()
        landmarks = json.loads((images / row / "carl/1.png.json").read_text())
        assert np.shape(landmarks) == (68, 2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--count", "4"], "there are 3 pairs of one person"),
        (["--count", "1", "--held-out"], "there are 0 pairs"),
        (["--seed", "-1"], "--seed must not be negative"),
        (["--identity-network", "a", "--identity-network", "a"], "given twice"),
        (["--identity-weights", "a", "--identity-weights", "b"], "more --identity-weights"),
        (["--photos", "absent"], "There is no folder or archive"),
    ],
)
def test_main_exits_2(arguments, options, message, capsys):
    with pytest.raises(SystemExit) as stopped:
        benchmark.main([*arguments, "--count", "2", *options])
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err
