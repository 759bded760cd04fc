"""`tf-facerecon build-face-model`: calls of the builders, and files."""

import logging
import pathlib

import numpy as np
import pytest

from tests.morphable_models.made_up_models import made_up_model
from tf_facerecon.cli import build_face_model
from tf_facerecon.morphable_models import model_sources
from tf_facerecon.morphable_models.morphable_model import MorphableModel


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("TF_FACERECON_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def calls(home, monkeypatch):
    """Calls of the builders, which give a made-up model here."""
    calls = []

    def build(kind, source, **options):
        calls.append((kind, source and source.name, options))
        fields = dict(vars(made_up_model(name=kind, licence="Not to be passed on.")))
        fields.pop("fingerprint", None)
        return fields

    monkeypatch.setattr(model_sources, "build_fields", build)
    return calls


def test_model_goes_where_its_name_is_enough(calls, home, capsys):
    assert build_face_model.main(["bfm09", "--source", "basel", "--full"]) == 0
    assert calls == [("bfm09", "basel", {"full": True})]
    assert (home / "home" / "face_models" / "bfm09.npz").is_file()
    assert MorphableModel.from_preset("bfm09").fingerprint == made_up_model().fingerprint
    said = capsys.readouterr().out
    assert "bfm09: 144 vertices, 242 triangles; 80 identity, 64 expression and 80" in said
    assert "Licence: Not to be passed on." in said
    assert "Use it as bfm09" in said


def test_older_file_stays_unless_told(calls, home, capsys):
    arguments = ["bfm17", "--source", "x.h5", "--out", "m.npz"]
    assert build_face_model.main(arguments) == 0
    before = (home / "m.npz").stat().st_mtime_ns
    assert build_face_model.main(arguments) == 2
    assert "m.npz exists; add --overwrite" in capsys.readouterr().err
    assert (home / "m.npz").stat().st_mtime_ns == before and len(calls) == 1
    assert build_face_model.main([*arguments, "--overwrite"]) == 0
    assert build_face_model.main(["bfm17", "--source", "x.h5"]) == 0
    assert build_face_model.main(["bfm17", "--source", "x.h5"]) == 2
    assert "bfm17.npz exists" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "file"),
    [
        (["ict"], "ict.npz"),
        (["ict", "--part", "full_head"], "ict-full-head.npz"),
        (["bfm09", "--source", "basel", "--full"], "bfm09-full.npz"),
    ],
)
def test_older_file_is_seen_before_the_work(calls, home, monkeypatch, capsys, arguments, file):
    from tf_facerecon.morphable_models.importers.ict import ict_download

    monkeypatch.setattr(ict_download, "fetch_ict", lambda folder: pytest.fail("it was fetched"))
    older = home / "home" / "face_models" / file
    older.parent.mkdir(parents=True)
    older.write_bytes(b"older")
    assert build_face_model.main(arguments) == 2
    assert f"{file} exists; add --overwrite" in capsys.readouterr().err
    assert not calls and older.read_bytes() == b"older"


def test_half_precision_states_its_error(calls, home, capsys):
    arguments = ["bfm19", "--source", "x.h5", "--out"]
    assert build_face_model.main([*arguments, "full.npz"]) == 0
    assert build_face_model.main([*arguments, "half.npz", "--half"]) == 0
    assert "moves no vertex by more than 0.15 mm" in capsys.readouterr().out
    assert (home / "half.npz").stat().st_size * 2 <= (home / "full.npz").stat().st_size


def test_ict_is_fetched_without_source(calls, home, monkeypatch):
    ict_download = pytest.importorskip("tf_facerecon.morphable_models.importers.ict.ict_download")
    monkeypatch.setattr(ict_download, "fetch_ict", lambda folder: folder / "fetched")
    assert build_face_model.main(["ict", "--part", "full_head"]) == 0
    assert build_face_model.main(["ict", "--source", "mine", "--out", "m.npz"]) == 0
    assert [(source, options["part"]) for _, source, options in calls] == [
        ("fetched", "full_head"),
        ("mine", "narrow_face"),
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["bfm09"], "bfm09 needs --source"),
        (["bfm17", "--source", "x", "--full"], "--full is for bfm09, not for bfm17"),
        (["bfm17", "--source", "x", "--part", "face"], "--part is for ict"),
        (["ict", "--vertices", "9"], "--vertices is for ict_london, procedural"),
        (["procedural"], "procedural needs --out"),
        (["bfm17", "--source", "x", "--out", "m.h5"], "must end in .npz, got m.h5"),
        (["flame"], "invalid choice: 'flame'"),
    ],
)
def test_odd_arguments_exit_2(arguments, message, capsys):
    with pytest.raises(SystemExit) as stopped:
        build_face_model.main(arguments)
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err


def test_missing_source_exits_2(home, capsys):
    for kind, name in (("bfm09", "basel"), ("bfm17", "x.h5"), ("bfm19", "x.h5")):
        assert build_face_model.main([kind, "--source", name]) == 2
        said = capsys.readouterr().err
        assert said.startswith("error: ") and name in said and "Traceback" not in said
    assert not (home / "home").exists()


def test_bad_model_is_not_written(home, monkeypatch, capsys):
    fields = dict(vars(made_up_model()), mirror_index=np.full(144, 7))
    monkeypatch.setattr(model_sources, "build_fields", lambda *_, **__: fields)
    assert build_face_model.main(["bfm17", "--source", "x.h5", "--out", "m.npz"]) == 2
    assert "`mirror_index` of face model 'made-up'" in capsys.readouterr().err
    assert not list(home.iterdir())


def test_procedural_becomes_a_file(home, capsys):
    arguments = ["procedural", "--vertices", "4000", "--out", "p.npz"]
    assert build_face_model.main(arguments) == 0
    loaded, made = MorphableModel.load("p.npz"), MorphableModel.from_preset("procedural-4000")
    np.testing.assert_array_equal(loaded.identity_basis, made.identity_basis)
    assert loaded.expression_names == made.expression_names
    assert "Licence: MIT" in capsys.readouterr().out


def test_help_teaches(capsys):
    with pytest.raises(SystemExit) as stopped:
        build_face_model.main(["--help"])
    assert stopped.value.code == 0
    said = capsys.readouterr().out
    for kind in model_sources.KINDS:
        assert f"tf-facerecon build-face-model {kind}" in said
    assert "Exp_Pca.bin" in said and "face_model.name=bfm09" in said


@pytest.fixture(autouse=True)
def quiet_again():
    level = logging.getLogger("tf_facerecon").level
    yield
    logging.getLogger("tf_facerecon").setLevel(level)


def test_unusable_target_is_seen_before_the_work(home, monkeypatch, capsys):
    monkeypatch.setattr(model_sources, "build_fields", lambda *_, **__: pytest.fail("was built"))
    (home / "file").write_text("")
    (home / "folder.npz").mkdir()
    for out, cause in (("file/m.npz", "is a file"), ("folder.npz", "is a folder")):
        assert build_face_model.main(["procedural", "--out", out, "--overwrite"]) == 2
        assert cause in capsys.readouterr().err


def test_options_of_a_further_kind_come_from_its_builder(calls, monkeypatch, capsys):
    points = model_sources.BuildOption("points", "--points", "file", pathlib.Path, required=True)
    builder = model_sources.ModelBuilder(build=lambda source, points: {}, options=(points,))
    builders = {**model_sources.BUILDERS, "scan": builder}
    monkeypatch.setattr(model_sources, "BUILDERS", builders)
    monkeypatch.setattr(model_sources, "KINDS", tuple(builders))
    arguments = ["scan", "--source", "a.obj", "--out", "m.npz"]
    assert build_face_model.main([*arguments, "--points", "p.txt"]) == 0
    assert calls == [("scan", "a.obj", {"points": pathlib.Path("p.txt")})]
    for wrong, message in (
        (arguments, "scan needs --points"),
        (["ict", "--points", "p.txt"], "--points is for ict_london, scan, not for ict"),
    ):
        with pytest.raises(SystemExit):
            build_face_model.main(wrong)
        assert message in capsys.readouterr().err


def test_ict_london_takes_a_kit_photographs_and_points(calls, home, capsys):
    sources = ["--ict", "kit.tar.xz", "--photos", "photos.tar", "--points", "points.npz"]
    arguments = ["ict_london", *sources, "--vertices", "20000", "--compact"]
    assert build_face_model.main([*arguments, "--out", "m.npz"]) == 0
    photos, points = pathlib.Path("photos.tar"), pathlib.Path("points.npz")
    options = {"photos": photos, "points": points, "num_vertices": 20_000}
    assert calls == [("ict_london", "kit.tar.xz", options)]
    assert "Compact storage moves no vertex by more than" in capsys.readouterr().out
    with np.load(home / "m.npz") as members:
        assert members["identity_basis"].dtype == np.uint8


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["ict_london", "--photos", "x"], "ict_london needs --points"),
        (["bfm09", "--source", "x", "--photos", "y"], "--photos is for ict_london, not for bfm09"),
        (["ict", "--half", "--compact"], "exclude each other"),
    ],
)
def test_options_that_do_not_fit_exception_raised(calls, capsys, arguments, message):
    with pytest.raises(SystemExit):
        build_face_model.main(arguments)
    assert message in capsys.readouterr().err and not calls
