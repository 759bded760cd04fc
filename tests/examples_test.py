"""Every example runs, is short, and uses the public names of the package only."""

import ast
import pathlib

import keras
import numpy as np
import PIL.Image
import pytest

import tf_facerecon
from examples import (
    compose_layers,
    reconstruct_a_photo,
    reconstruct_an_image_set,
    render_a_mesh,
    train_on_your_photos,
)
from tests import toy_reconstruction as toy
from tests.toy_face import build_toy_face_model
from tf_facerecon.layers.face_decoder import FaceDecoder
from tf_facerecon.models.c_net import CNet
from tf_facerecon.photos import face_detection

EXAMPLES = sorted((pathlib.Path(__file__).resolve().parents[1] / "examples").glob("*.py"))


@pytest.fixture(scope="module")
def toy_network(tmp_path_factory):
    """A `.keras` file whose face model is a file beside it."""
    folder = tmp_path_factory.mktemp("network")
    build_toy_face_model().save(folder / "toy.npz")
    decoder = FaceDecoder(str(folder / "toy.npz"))
    toy.build_toy_network(decoder, face_model=str(folder / "toy.npz")).save(folder / "toy.keras")
    return str(folder / "toy.keras")


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_is_short_and_public(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) < 60
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names]
            inside = getattr(node, "module", None) or ""
            assert not any(name.startswith("tf_facerecon.") for name in names), names
            assert inside.split(".")[0] != "tf_facerecon" or inside == "tf_facerecon", inside
        if isinstance(node, ast.Attribute) and getattr(node.value, "id", "") == "tf_facerecon":
            assert node.attr in tf_facerecon.__all__


def test_reconstruct_a_photo(toy_network, tmp_path, capsys):
    arguments = ["--network", toy_network, "--out", str(tmp_path)]
    reconstruct_a_photo.main(arguments)
    assert (tmp_path / "astronaut.obj").is_file()
    assert (tmp_path / "astronaut_overlay.png").is_file()
    assert "nose tip in the photograph" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        reconstruct_a_photo.main(arguments)
    assert "exists already" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("example", "arguments", "message"),
    [
        (reconstruct_a_photo, ["absent.jpg"], "absent.jpg"),
        (reconstruct_an_image_set, ["absent.jpg"], "absent.jpg"),
        (render_a_mesh, ["absent.obj", "a.png"], "absent.obj"),
        (render_a_mesh, ["a.obj", "no/such/folder/a.png"], "no/such/folder"),
        (train_on_your_photos, ["absent"], "absent"),
        (train_on_your_photos, ["absent", "--network", "none.keras"], "none.keras"),
    ],
)
def test_bad_input_is_a_message(
    toy_network, tmp_path, monkeypatch, capsys, example, arguments, message
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.obj").write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n", encoding="utf-8")
    if example is not render_a_mesh and "--network" not in arguments:
        arguments = [*arguments, "--network", toy_network]
    if example is reconstruct_an_image_set:
        CNet.for_r_net(tf_facerecon.RNet.from_preset(toy_network)).save("c_net.keras")
        arguments = [*arguments, "--c-net", "c_net.keras"]
    with pytest.raises(SystemExit):
        example.main(arguments)
    assert message in capsys.readouterr().err


def test_reconstruct_an_image_set(toy_network, tmp_path, capsys, monkeypatch):
    class Detector:
        def detect(self, image):
            return [toy.detected_face()]

    monkeypatch.setattr(face_detection, "FaceDetector", Detector)
    c_net = CNet.for_r_net(tf_facerecon.RNet.from_preset(toy_network))
    c_net.save(tmp_path / "c_net.keras")
    for number in range(2):
        picture = toy.toy_photo() - np.uint8(20 * number)
        PIL.Image.fromarray(picture).save(tmp_path / f"{number}.png")
    photos = [str(tmp_path / f"{number}.png") for number in range(2)]
    networks = ["--network", toy_network, "--c-net", str(tmp_path / "c_net.keras")]
    reconstruct_an_image_set.main([*photos, "--out", str(tmp_path / "out"), *networks])
    assert (tmp_path / "out" / "person_0.obj").is_file()
    assert (tmp_path / "out" / "person_confidence.png").is_file()
    assert "1: 50% of the identity" in capsys.readouterr().out


def test_compose_layers(toy_network, tmp_path, capsys):
    face_model = str(pathlib.Path(toy_network).with_name("toy.npz"))
    image = tmp_path / "relit.png"
    compose_layers.main([str(image), "--face-model", face_model, "--steps", "40"])
    before, after = map(float, capsys.readouterr().out.split("error ")[1].split(" -> "))
    assert after < before / 4
    assert np.ptp(np.asarray(PIL.Image.open(image))[:, :224]) > 0


def test_train_on_your_photos(toy_network, tmp_path, capsys):
    photos = tmp_path / "photos"
    (photos / "detections").mkdir(parents=True)
    for name in ("first", "second"):
        PIL.Image.fromarray(toy.toy_photo()).save(photos / f"{name}.png")
        np.savetxt(photos / "detections" / f"{name}.txt", toy.FIVE_POINTS)
    out = tmp_path / "mine.keras"
    settings = ["--out", str(out), "--network", toy_network, "--batch-size", "2", "--steps", "3"]
    train_on_your_photos.main([str(photos), *settings])
    before = keras.models.load_model(toy_network)
    after = keras.models.load_model(out)
    changed = [
        np.any(old != new)
        for old, new in zip(before.get_weights(), after.get_weights(), strict=True)
    ]
    assert any(changed)
    assert "final loss" in capsys.readouterr().out
