"""`tf-facerecon reconstruct`: photos in, files out, and a batch that survives bad photos."""

import json
import os
import pathlib

import hypothesis
import numpy as np
import PIL.Image
import pytest
import tensorflow as tf
from hypothesis import strategies as st

from tests import toy_reconstruction as toy
from tests.toy_face import build_toy_face_model
from tf_facerecon.cli import photo_arguments, reconstruct, reconstruct_photos, reconstruct_sets
from tf_facerecon.inference import output_names
from tf_facerecon.inference.face_reconstruction import FaceReconstruction
from tf_facerecon.inference.image_set_reconstruction import ImageSetReconstruction
from tf_facerecon.layers.face_decoder import FaceDecoder
from tf_facerecon.photos import face_detection


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """Arguments that name a toy network and its face model."""
    folder = tmp_path_factory.mktemp("network")
    model = build_toy_face_model()
    model.save(folder / "toy.npz")
    toy.build_toy_network(FaceDecoder(model)).save(folder / "toy.keras")
    return ["--network", str(folder / "toy.keras"), "--face-model", str(folder / "toy.npz")]


@pytest.fixture
def known_faces(monkeypatch):
    """Two faces in every photo that is as large as the toy photo, none in others."""

    class Detector:
        def detect(self, image):
            faces = [toy.detected_face(), toy.detected_face((0.0, 70.0), 0.5)]
            return faces if image.shape == toy.toy_photo().shape else []

    monkeypatch.setattr(face_detection, "FaceDetector", Detector)


@pytest.fixture
def quick_files(monkeypatch):
    """Only the JSON: pictures and meshes have tests of their own."""

    def write(face, folder, stem, outputs):
        text = json.dumps(face.summary(), default=np.ndarray.tolist)
        (folder / f"{stem}.json").write_text(text, encoding="utf-8")

    monkeypatch.setattr(FaceReconstruction, "_write_files", write)


def save_photo(path, **size):
    PIL.Image.fromarray(toy.toy_photo(**size)).save(path)
    return path


def test_batch_goes_on_after_failures(network, known_faces, quick_files, tmp_path, capsys):
    photos = tmp_path / "photos"
    photos.mkdir()
    save_photo(photos / "b.png")
    save_photo(photos / "a.jpg")
    (photos / "broken.jpg").write_bytes(b"\xff\xd8 not an image")
    save_photo(photos / "empty.png", height=50)
    (photos / "notes.txt").write_text("not listed", encoding="utf-8")
    missing = tmp_path / "missing.jpg"
    out = tmp_path / "out"
    assert reconstruct.main([str(photos), str(missing), "--out", str(out), *network]) == 1
    assert sorted(path.name for path in out.iterdir()) == ["a.json", "b.json"]
    said = capsys.readouterr()
    assert "2 face(s) written" in said.out
    assert f"not read: 1 in {photos}: notes.txt" in said.err
    failed = [line for line in said.err.splitlines() if line.startswith("failed: ")]
    assert len(failed) == 3
    for name in ("broken.jpg", "empty.png", "missing.jpg"):
        assert sum(name in line for line in failed) == 1


def test_points_say_where_a_face_is_that_the_detector_misses(
    network, known_faces, quick_files, tmp_path, capsys
):
    photo, other = save_photo(tmp_path / "me.png", height=250), save_photo(tmp_path / "you.png")
    points, out = tmp_path / "points", tmp_path / "out"
    points.mkdir()
    arguments = [str(photo), "--out", str(out), "--points", str(points), str(other), *network]
    assert reconstruct.main(arguments) == 1
    assert sorted(path.name for path in out.iterdir()) == ["you.json"]
    np.savetxt(points / "me.txt", toy.FIVE_POINTS)
    assert reconstruct.main([*arguments, "--overwrite"]) == 0
    written = json.loads((out / "me.json").read_text(encoding="utf-8"))
    np.testing.assert_allclose(written["alignment_points"]["photo"], toy.FIVE_POINTS)
    np.savetxt(points / "me.txt", toy.FIVE_POINTS[[1, 0, 2, 3, 4]])
    assert reconstruct.main([*arguments, "--overwrite"]) == 1
    error = capsys.readouterr().err
    assert f"--points {points / 'me.txt'}: the points must stand in this order" in error
    (points / "me.txt").write_text("1 2\n", encoding="utf-8")
    assert reconstruct.main([*arguments, "--overwrite"]) == 1
    error = capsys.readouterr().err
    assert "--points: " in error and "me.txt must hold 5 or 68 rows" in error
    assert "eye on the image's left, eye on its right, nose tip" in error


def test_points_files_that_fit_no_photograph_are_named(
    network, known_faces, quick_files, tmp_path, capsys
):
    photo, points = save_photo(tmp_path / "000007.png"), tmp_path / "points"
    points.mkdir()
    arguments = [str(photo), "--out", str(tmp_path / "out"), "--points", str(points), *network]
    rows = "".join(f"{x + 1!r} {y + 1!r}\n" for x, y in toy.FIVE_POINTS.tolist())
    (points / "000007.pts").write_text(f"version: 1\nn_points: 5\n{{\n{rows}}}\n", encoding="utf-8")
    np.savetxt(points / "000008.txt", toy.FIVE_POINTS)
    assert reconstruct.main(arguments) == 0
    assert "1 file(s) fit no photograph: 000008.txt" in capsys.readouterr().err
    written = json.loads((tmp_path / "out" / "000007.json").read_text(encoding="utf-8"))
    np.testing.assert_allclose(written["alignment_points"]["photo"], toy.FIVE_POINTS)
    (points / "000007.pts").rename(points / "7.pts")
    assert reconstruct.main([*arguments, "--overwrite"]) == 0
    assert "2 file(s) fit no photograph: 000008.txt, 7.pts" in capsys.readouterr().err
    for path in points.iterdir():
        path.unlink()
    assert reconstruct.main([*arguments, "--overwrite"]) == 0
    assert "holds no file for any of the photographs" in capsys.readouterr().err


def test_points_that_fit_two_photographs_are_refused(network, tmp_path, capsys):
    photos = [save_photo(tmp_path / name) for name in ("me.png", "me.jpg")]
    points = tmp_path / "points"
    points.mkdir()
    np.savetxt(points / "me.txt", toy.FIVE_POINTS)
    settings = ["--points", str(points), "--out", str(tmp_path / "out"), *network]
    assert reconstruct.main([*map(str, photos), *settings]) == 2
    error = capsys.readouterr().err
    assert f"--points: {points / 'me.txt'} fits several photographs" in error
    assert not (tmp_path / "out").exists()


def test_points_give_one_face_even_with_all_faces(
    network, known_faces, quick_files, tmp_path, capsys
):
    photo = str(save_photo(tmp_path / "two.png"))
    points = tmp_path / "points"
    points.mkdir()
    np.savetxt(points / "two.txt", toy.FIVE_POINTS)
    settings = ["--points", str(points), "--out", str(tmp_path / "out"), *network]
    assert reconstruct.main([photo, "--all-faces", *settings]) == 0
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["two.json"]
    assert "gives one face; --all-faces looks for no others" in capsys.readouterr().err


def test_all_faces_have_names_of_their_own(network, known_faces, quick_files, tmp_path):
    photo = str(save_photo(tmp_path / "two.png"))
    arguments = [photo, "--all-faces", "--out", str(tmp_path / "out"), *network]
    assert reconstruct.main(arguments) == 0
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["two.json", "two_face2.json"]


def test_earlier_results_stay_unless_told(network, known_faces, quick_files, tmp_path, capsys):
    out = tmp_path / "out"
    arguments = [str(save_photo(tmp_path / "me.png")), "--out", str(out), *network]
    assert reconstruct.main(arguments) == 0
    (out / "me.json").write_text("precious", encoding="utf-8")
    assert reconstruct.main(arguments) == 1
    assert "exists already" in capsys.readouterr().err
    assert (out / "me.json").read_text(encoding="utf-8") == "precious"
    assert reconstruct.main([*arguments, "--overwrite"]) == 0
    assert (out / "me.json").read_text(encoding="utf-8") != "precious"


@pytest.fixture
def empty_files(monkeypatch):
    """All files, empty but for the JSON; the list of the photographs that were reconstructed."""
    written = []

    def write(face, folder, stem, outputs):
        written.append(stem)
        for name in output_names.face_files(stem, outputs):
            text = json.dumps({"source": face.source}) if name.endswith(".json") else ""
            (folder / name).write_text(text, encoding="utf-8")

    monkeypatch.setattr(FaceReconstruction, "_write_files", write)
    return written


def test_skip_existing_looks_before_it_computes(
    network, known_faces, empty_files, tmp_path, capsys, monkeypatch
):
    photos = [save_photo(tmp_path / name) for name in ("a.png", "b.png")]
    settings = ["--out", str(tmp_path / "out"), *network]
    assert reconstruct.main([str(photos[0]), *settings, "--skip-existing"]) == 0
    arguments = [*map(str, photos), *settings]
    assert reconstruct.main([*arguments, "--skip-existing"]) == 0
    assert empty_files == ["a", "b"]
    assert "1 of 2 photo(s) skipped: their results exist" in capsys.readouterr().out
    # Neither does a run without the option compute what it cannot write.
    monkeypatch.setattr(reconstruct_photos, "reconstruct_photo", None)
    assert reconstruct.main([*arguments, "--skip-existing"]) == 0
    assert reconstruct.main(arguments) == 1
    assert capsys.readouterr().err.count("exists already") == 2


def test_skip_existing_computes_what_a_killed_run_left_out(
    network, known_faces, empty_files, tmp_path
):
    """The largest face is written last: its files stand for all faces of a photograph."""
    out = tmp_path / "out"
    arguments = [str(save_photo(tmp_path / "two.png")), "--all-faces", "--out", str(out), *network]
    assert reconstruct.main(arguments) == 0
    for path in out.iterdir():
        if "_face2" not in path.name:
            path.unlink()
    assert reconstruct.main([*arguments, "--skip-existing"]) == 0
    assert empty_files[:2] == ["two_face2", "two"] and (out / "two.json").exists()


def test_skip_existing_takes_no_other_photograph_for_the_same(
    network, known_faces, empty_files, tmp_path, capsys
):
    for name in ("x", "y"):
        (tmp_path / name).mkdir()
    photos = [save_photo(tmp_path / name / "me.png") for name in ("x", "y")]
    settings = ["--out", str(tmp_path / "out"), "--skip-existing", *network]
    assert reconstruct.main([str(photos[0]), *settings]) == 0
    assert reconstruct.main([str(photos[1]), *settings]) == 1
    assert f"is of another photograph, {photos[0]}" in capsys.readouterr().err
    assert empty_files == ["me"]


def test_save_writes_what_it_names(network, known_faces, empty_files, tmp_path, capsys):
    out, photo = tmp_path / "out", str(save_photo(tmp_path / "me.png"))
    arguments = [photo, "--out", str(out), "--save", "json, mesh", *network]
    assert reconstruct.main(arguments) == 0
    written = {"me.obj", "me.mtl", "me_texture.png", "me.json"}
    assert {path.name for path in out.iterdir()} == written
    # What is there decides what is skipped, and what stands in the way.
    assert reconstruct.main([*arguments, "--skip-existing"]) == 0
    assert "1 of 1 photo(s) skipped" in capsys.readouterr().out
    (out / "me.json").unlink()
    assert reconstruct.main(arguments) == 1
    assert "me.obj exists already" in capsys.readouterr().err


def test_save_writes_what_it_names_of_a_set(
    network, known_faces, quick_sets, person_photos, tmp_path, capsys
):
    (person_photos / "tree.png").unlink()
    out = tmp_path / "out"
    choices = ["--aggregate", "mean", "--identity-network", "none", *network]
    arguments = ["--set", str(person_photos), "--out", str(out), *choices, "--save"]
    assert reconstruct.main([*arguments, "posed"]) == 0
    ends = (".obj", ".mtl", "_texture.png")
    posed = {f"anna_{name}{end}" for name in ("0", "1", "2", "copy") for end in ends}
    assert {path.name for path in (out / "anna").iterdir()} == posed
    assert reconstruct.main([*arguments, "posed", "--skip-existing"]) == 0
    assert "anna: skipped" in capsys.readouterr().out
    assert reconstruct.main([*arguments, "json,mesh"]) == 0
    written = posed | {"anna.json", *(f"anna{end}" for end in ends)}
    assert {path.name for path in (out / "anna").iterdir()} == written
    assert reconstruct.main([*arguments, "npz,posed"]) == 1
    assert "exists already" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a.png", "--save", "mesh,pdf"], "overlay, photo, json, npz. Received: 'pdf'"),
        (["a.png", "--save", "posed"], "Received: 'posed'"),
        (["a.png", "--save", "mesh,"], "Received: ''"),
        (["--set", "a", "--save", "overlay"], "mesh, posed, confidence, json, npz. Received: 'ov"),
        (["a.png", "--save", "mesh", "--format", "deep3d"], "--save chooses among"),
    ],
)
def test_save_exception_raised(arguments, message, capsys):
    with pytest.raises(SystemExit) as exit_code:
        reconstruct.main(["--out", "out", *arguments])
    assert exit_code.value.code == 2 and message in " ".join(capsys.readouterr().err.split())


def test_results_of_one_name_can_be_traced(network, known_faces, quick_files, tmp_path, capsys):
    photos = []
    for name in ("x", "y", "z"):
        (tmp_path / name).mkdir()
        photos.append(str(save_photo(tmp_path / name / "photo.png")))
    assert reconstruct.main([*photos, "--out", str(tmp_path / "out"), *network]) == 0
    said = capsys.readouterr().out
    for stem, photo in zip(("photo_png", "photo_png_2", "photo_png_3"), photos, strict=True):
        written = json.loads((tmp_path / "out" / f"{stem}.json").read_text(encoding="utf-8"))
        assert written["source"] == photo
        assert f"{stem}: from {photo}" in said


def test_folders_of_telephones(network, known_faces, quick_files, tmp_path, capsys):
    folder = tmp_path / "photos"
    (folder / "old").mkdir(parents=True)
    save_photo(folder / "a.jfif.jpg")
    heic = b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + bytes(64)
    (folder / "IMG_1.HEIC").write_bytes(heic)
    for name in ("._a.jpg", ".hidden.png", "IMG_1.MOV", "IMG_1.AAE"):
        (folder / name).write_bytes(b"\x00\x05\x16\x07")
    assert reconstruct.main([str(folder), "--out", str(tmp_path / "out"), *network]) == 1
    error = capsys.readouterr().err
    assert f"not read: 3 in {folder}: IMG_1.AAE, IMG_1.MOV, old/" in error
    failed = [line for line in error.splitlines() if line.startswith("failed: ")]
    assert len(failed) == 1 and "IMG_1.HEIC" in failed[0]


def test_unusable_arguments(network, tmp_path, capsys):
    photo = str(save_photo(tmp_path / "me.png"))
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert reconstruct.main([photo, "--out", str(tmp_path / "file"), *network]) == 2
    assert "file" in capsys.readouterr().err
    assert reconstruct.main([photo, "--out", str(tmp_path), "--network", "none.keras"]) == 2
    assert "none.keras" in capsys.readouterr().err
    assert reconstruct.main([photo, "--out", str(tmp_path), "--network", "net.h5"]) == 2
    assert "net.h5 is neither a preset nor" in capsys.readouterr().err
    for wrong in (["--points", "nowhere"], ["--set", str(tmp_path), "--points", str(tmp_path)]):
        with pytest.raises(SystemExit):
            reconstruct.main([*([photo] if "--set" not in wrong else []), "--out", "o", *wrong])
    assert "--points nowhere is not a folder" in capsys.readouterr().err
    (tmp_path / "nothing").mkdir()
    assert reconstruct.main([str(tmp_path / "nothing"), "--out", str(tmp_path), *network]) == 2
    assert "contains no images" in capsys.readouterr().err


@pytest.mark.parametrize(
    "photos, stems",
    [
        (["a.jpg", "b.png"], ["a", "b"]),
        (["x/a.jpg", "y/a.png"], ["a_jpg", "a_png"]),
        (["x/a.jpg", "y/a.jpg", "z/A.JPG"], ["a_jpg", "a_jpg_2", "A_jpg_3"]),
        (["a.jpg", "a.png", "a_png.gif"], ["a_jpg", "a_png", "a_png_2"]),
        (["a.jpg", "a_face2.jpg"], ["a_jpg", "a_face2_jpg"]),
        (["A_Neutral.png", "a.jpg"], ["A_Neutral_png", "a_jpg"]),
        (["a", "a_face3_neutral", "b_neutral.jpg"], ["a", "a_face3_neutral_2", "b_neutral"]),
        (["a.jpg", "a.png", "a_jpg_face2.png"], ["a_jpg", "a_png", "a_jpg_face2_2"]),
    ],
)
def test_choose_stems_preset(photos, stems):
    assert photo_arguments.choose_stems([pathlib.Path(photo) for photo in photos]) == stems


@hypothesis.given(
    st.lists(st.from_regex(r"(a|A|b)(_face[23]|_neutral|_jpg|_2){0,3}(\.jpg)?", fullmatch=True))
)
def test_choose_stems_random(photos):
    stems = photo_arguments.choose_stems([pathlib.Path(str(n), p) for n, p in enumerate(photos)])
    written = [
        name.lower()
        for stem in stems
        for face in ("", "_face2", "_face3")
        for name in output_names.face_files(f"{stem}{face}", output_names.FACE_OUTPUTS)
    ]
    assert len(set(written)) == len(written)


def test_photographs_are_never_overwritten(network, known_faces, quick_files, tmp_path, capsys):
    first, second = save_photo(tmp_path / "me.png"), save_photo(tmp_path / "me_photo.png")
    before = second.read_bytes()
    arguments = [str(first), str(second), "--out", str(tmp_path), "--overwrite", *network]
    assert reconstruct.main(arguments) == 1
    assert "me_photo.png is an input photograph" in capsys.readouterr().err
    assert first.read_bytes() == second.read_bytes() == before
    assert not (tmp_path / "me.json").exists() and (tmp_path / "me_photo.json").is_file()


@pytest.mark.parametrize("out", ["/proc/x", "x" * 300, "/dev/null/x"])
def test_out_that_cannot_exist_is_an_error(network, tmp_path, capsys, out, monkeypatch):
    monkeypatch.chdir(tmp_path)
    photo = str(save_photo(tmp_path / "me.png"))
    settings = ["--identity-network", "none", "--aggregate", "mean", "--out", out, *network]
    assert reconstruct.main([photo, "--out", out, *network]) == 2
    assert reconstruct.main(["--set", str(tmp_path), *settings]) == 2
    assert capsys.readouterr().err.count("error: ") == 2


def test_name_too_long_for_its_results_does_not_stop_the_others(
    network, known_faces, quick_files, tmp_path, capsys
):
    photos = [save_photo(tmp_path / name) for name in (f"{'x' * 250}.png", "a.png")]
    assert reconstruct.main([*map(str, photos), "--out", str(tmp_path / "o"), *network]) == 1
    assert [path.name for path in (tmp_path / "o").iterdir()] == ["a.json"]
    assert "File name too long" in capsys.readouterr().err


def test_out_is_no_folder_of_photographs(network, tmp_path, capsys):
    save_photo(tmp_path / "me.png")
    arguments = [str(tmp_path), "--out", str(tmp_path / "x" / ".."), *network]
    assert reconstruct.main(arguments) == 2
    assert "is a folder of photographs" in capsys.readouterr().err


@pytest.mark.parametrize("error", [MemoryError(), tf.errors.InternalError(None, None, "broke")])
def test_batch_goes_on_after_exhaustion(network, tmp_path, capsys, monkeypatch, error):
    def fail(*arguments):
        raise error

    monkeypatch.setattr(reconstruct_photos, "reconstruct_photo", fail)
    photos = [str(save_photo(tmp_path / name)) for name in ("a.png", "b.png")]
    assert reconstruct.main([*photos, "--out", str(tmp_path / "out"), *network]) == 1
    said = capsys.readouterr()
    assert said.err.count("failed: ") == 2
    assert "nothing was written" in said.out
    assert not (tmp_path / "out").exists()


def test_face_model_by_its_name(known_faces, quick_files, tmp_path, capsys, monkeypatch):
    """A model in the cache folder goes by its name, and another than the network's is refused."""
    monkeypatch.setenv("TF_FACERECON_HOME", str(tmp_path / "home"))
    model = build_toy_face_model()
    model.save(tmp_path / "home" / "face_models" / "toy.npz")
    build_toy_face_model(seed=8).save(tmp_path / "home" / "face_models" / "other.npz")
    toy.build_toy_network(FaceDecoder(model)).save(tmp_path / "toy.keras")
    photo = str(save_photo(tmp_path / "me.png"))
    arguments = [photo, "--out", str(tmp_path / "out"), "--network", str(tmp_path / "toy.keras")]
    assert reconstruct.main([*arguments, "--face-model", "toy"]) == 0
    assert reconstruct.main([*arguments, "--face-model", "other"]) == 2
    assert "trained for face model 'toy'" in capsys.readouterr().err
    assert reconstruct.main([*arguments, "--face-model", "bfm09"]) == 2
    assert "tf-facerecon build-face-model bfm09 --source FOLDER" in capsys.readouterr().err


def test_list_all_photos_names_each_once_and_goes_on(tmp_path):
    photo = save_photo(tmp_path / "a.png")
    empty = tmp_path / "empty"
    empty.mkdir()
    given = photo_arguments.list_all_photos([empty, tmp_path, photo])
    assert given.photos == [photo]
    assert list(given.failures) == [empty]
    assert "contains no images" in str(given.failures[empty])
    assert given.not_read == {tmp_path: ["empty/"]}
    with pytest.raises(ValueError, match="contains no images"):
        photo_arguments.list_all_photos([empty])


@pytest.fixture
def person_photos(tmp_path):
    """Three different photographs of a person, one picture without a face, and a copy."""
    folder = tmp_path / "anna"
    folder.mkdir()
    for number in range(3):
        picture = toy.toy_photo() - np.uint8(20 * number)
        PIL.Image.fromarray(picture).save(folder / f"{number}.png")
    PIL.Image.fromarray(toy.toy_photo()).save(folder / "copy.png")
    save_photo(folder / "tree.png", height=50)
    (folder / "clip.mov").touch()
    (folder / "._0.png").touch()
    return folder


@pytest.fixture
def quick_sets(monkeypatch):
    """Empty files: meshes and pictures have tests of their own."""

    def write(result, folder, stem, outputs):
        for name in result.file_names(stem, outputs):
            (folder / name).write_text(result.aggregate, encoding="utf-8")

    monkeypatch.setattr(ImageSetReconstruction, "_write_files", write)


def test_set_becomes_one_person(network, known_faces, quick_sets, person_photos, tmp_path, capsys):
    out = tmp_path / "out"
    choices = ["--aggregate", "mean", "--identity-network", "none"]
    arguments = ["--set", str(person_photos), "--out", str(out), *choices, *network]
    assert reconstruct.main(arguments) == 1  # One photograph failed.
    names = ("anna", "anna_0", "anna_1", "anna_2", "anna_copy")
    meshes = {f"{name}{end}" for name in names for end in (".obj", ".mtl", "_texture.png")}
    written = {"anna.json", "anna.npz", "anna_confidence.png", *meshes}
    assert {path.name for path in (out / "anna").iterdir()} == written
    said = capsys.readouterr()
    assert f"not read: 1 in {person_photos}: clip.mov" in said.err
    assert "anna: one face from 3 of 5 photo(s)" in said.out
    assert "nose" in said.out and "33%" in said.out
    assert "warning: anna: copy is the same image as 0" in said.err
    failed = [line for line in said.err.splitlines() if line.startswith("failed: ")]
    assert len(failed) == 1 and "tree.png" in failed[0] and "No face" in failed[0]
    assert reconstruct.main(arguments) == 1 and "exists already" in capsys.readouterr().err
    (out / "anna" / "anna.json").write_text(
        json.dumps({"images": [{"source": str(person_photos / "0.png")}]}), encoding="utf-8"
    )
    assert reconstruct.main([*arguments, "--skip-existing"]) == 0
    assert "anna: skipped" in capsys.readouterr().out
    (person_photos / "tree.png").unlink()
    assert reconstruct.main([*arguments, "--overwrite"]) == 0


def test_sets_go_on_after_failures(
    network, known_faces, quick_sets, person_photos, tmp_path, capsys
):
    empty, faceless = tmp_path / "empty", tmp_path / "faceless"
    for folder in (empty, faceless):
        folder.mkdir()
    save_photo(faceless / "tree.png", height=50)
    (tmp_path / "notes.txt").write_text("no folder")
    folders = [str(f) for f in (tmp_path / "notes.txt", empty, faceless, person_photos)]
    settings = ["--aggregate", "best", "--identity-network", "none", "--out", str(tmp_path / "out")]
    assert reconstruct.main(["--set", *folders, *settings, *network]) == 1
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["anna"]
    errors = capsys.readouterr().err
    assert "notes.txt: is not a folder of photographs" in errors
    assert "contains no images" in errors and "None of the 1 photos can be used" in errors


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "give photographs, or folders"),
        (["me.png", "--set", "anna"], "give photographs, or folders"),
        (["--set", "anna", "--refine"], "are for single photographs"),
        (["me.png", "--aggregate", "mean"], "use it with --set"),
        (["--set", "anna", "--aggregate", "median"], "invalid choice"),
    ],
)
def test_set_arguments_exception_raised(arguments, message, capsys):
    with pytest.raises(SystemExit):
        reconstruct.main(["--out", "out", *arguments])
    assert message in capsys.readouterr().err


def test_sets_go_on_after_exhaustion(network, person_photos, tmp_path, capsys, monkeypatch):
    def fail(*arguments):
        raise MemoryError

    monkeypatch.setattr(reconstruct_sets, "reconstruct_set", fail)
    choices = ["--aggregate", "mean", "--identity-network", "none", *network]
    out = tmp_path / "out"
    assert reconstruct.main(["--set", str(person_photos), "--out", str(out), *choices]) == 1
    assert f"failed: {person_photos}: MemoryError" in capsys.readouterr().err
    assert not out.exists()


def test_unusable_sets(network, person_photos, tmp_path, capsys):
    settings = ["--identity-network", "none", *network]
    missing = ["--set", str(tmp_path / "nobody"), "--out", str(tmp_path / "out"), *settings]
    assert reconstruct.main(missing) == 2
    assert "is not a folder of photographs" in capsys.readouterr().err
    onto = ["--set", str(person_photos), "--out", str(person_photos), *settings]
    assert reconstruct.main(onto) == 2
    assert "choose another folder" in capsys.readouterr().err
    c_net = ["--set", str(person_photos), "--out", str(tmp_path / "out"), "--c-net", "none.keras"]
    assert reconstruct.main([*c_net, *settings]) == 2
    assert "none.keras" in capsys.readouterr().err


def test_choose_set_names_preset(tmp_path):
    folders = [tmp_path / "x" / "anna", tmp_path / "y" / "Anna", tmp_path / "bob"]
    assert photo_arguments.choose_set_names(folders) == ["anna", "Anna_2", "bob"]


def test_help_teaches(capsys):
    with pytest.raises(SystemExit):
        reconstruct.main(["--help"])
    text = capsys.readouterr().out
    for word in ("--set", "cnet", "mean", "best", "confidence.png"):
        assert word in text


def test_faces_are_counted_as_they_are_written(network, known_faces, quick_files, tmp_path, capsys):
    out = tmp_path / "out"
    out.mkdir()
    (out / "two_face2.json").write_text("precious", encoding="utf-8")
    photo = str(save_photo(tmp_path / "two.png"))
    assert reconstruct.main([photo, "--all-faces", "--out", str(out), *network]) == 1
    assert "; 0 of 1 photo(s) done" in capsys.readouterr().out
    assert (out / "two.json").exists()


def test_folder_that_was_there_stays(network, known_faces, quick_files, tmp_path):
    (tmp_path / "out").mkdir()
    photo = str(save_photo(tmp_path / "empty.png", height=50))
    assert reconstruct.main([photo, "--out", str(tmp_path / "out"), *network]) == 1
    assert (tmp_path / "out").is_dir()


def test_photo_given_twice_is_one(network, known_faces, quick_files, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    photo = save_photo(tmp_path / "me.png")
    assert reconstruct.main([str(photo), "me.png", "--out", "out", *network]) == 0
    assert "; 1 of 1 photo(s) done" in capsys.readouterr().out


def test_each_once_keeps_the_first_and_survives_loops(tmp_path):
    (tmp_path / "loop.png").symlink_to("loop.png")
    (tmp_path / "link.png").symlink_to("a.png")
    a, link, loop = (tmp_path / name for name in ("a.png", "link.png", "loop.png"))
    a.touch()
    assert photo_arguments.each_once([loop, link, a, link, loop]) == [loop, link]


def test_name_that_is_no_text(network, known_faces, quick_files, tmp_path):
    save_photo(tmp_path / "a.png")
    os.rename(tmp_path / "a.png", os.fsencode(tmp_path) + b"/M\xfcller.png")
    photos = [str(path) for path in tmp_path.glob("M*.png")]
    assert reconstruct.main([*photos, "--out", str(tmp_path / "out"), *network]) == 0
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["M\ufffdller.json"]


def test_deep3d_formats(network, known_faces, tmp_path, capsys):
    photo = save_photo(tmp_path / "a.png")
    for name, expected in {
        "deep3d": ["a.mat", "a.obj"],
        "deep3d-tf1": ["a.mat", "a_mesh.obj"],
    }.items():
        out = tmp_path / name
        arguments = [str(photo), "--out", str(out), "--format", name, *network]
        assert reconstruct.main(arguments) == 0
        assert sorted(path.name for path in out.iterdir()) == expected
        assert reconstruct.main(arguments) == 1  # The files exist.
        assert "a.mat" in capsys.readouterr().err


@pytest.mark.parametrize("photos", [["--set", "x"], ["a.png"]])
def test_deep3d_format_exception_raised(photos, capsys):
    with pytest.raises(SystemExit):
        reconstruct.main([*photos, "--skip-existing", "--out", "y", "--format", "deep3d"])
    assert "--skip-existing goes by the .json files" in capsys.readouterr().err


def test_deep3d_formats_of_a_set(network, known_faces, person_photos, tmp_path, capsys):
    (person_photos / "tree.png").unlink()
    choices = ["--aggregate", "mean", "--identity-network", "none", *network]
    for name, suffix in {"deep3d": ".obj", "deep3d-tf1": "_mesh.obj"}.items():
        out = tmp_path / name
        arguments = ["--set", str(person_photos), "--out", str(out), "--format", name, *choices]
        assert reconstruct.main(arguments) == 0
        stems = [f"anna_{photo}" for photo in ("0", "1", "2", "copy")]
        assert {path.name for path in (out / "anna").iterdir()} == {
            f"{stem}{end}" for stem in stems for end in (".mat", suffix)
        }
        assert reconstruct.main(arguments) == 1
        assert "anna_0.mat exists already" in capsys.readouterr().err
        assert reconstruct.main([*arguments, "--overwrite"]) == 0
