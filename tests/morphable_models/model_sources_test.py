import pathlib

import pytest

from tf_facerecon.morphable_models import model_sources


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("bfm09", "bfm09 --source FOLDER"),
        ("bfm09-full", "bfm09 --source FOLDER --full"),
        ("bfm17", "bfm17 --source FILE.h5"),
        ("bfm19-face12", "bfm19 --source FILE.h5"),
        ("ict", "ict"),
        ("bfm19-full-head", "bfm19 --source FILE.h5"),
        ("ict-face", "ict --part face"),
        ("ict-full-head", "ict --part full_head"),
        ("ict_london", "ict_london --photos FOLDER --points FILE.npz"),
    ],
)
def test_build_command_preset(name, arguments):
    command = f"tf-facerecon build-face-model {arguments}"
    assert model_sources.build_command(name) == command


@pytest.mark.parametrize(
    "name",
    ["procedural", "flame", "ict-narrow-face", "ict-original", "bfm09-foo", "bfm17-full-head"],
)
def test_build_command_of_others(name):
    assert model_sources.build_command(name) is None


def test_build_command_of_every_published_name():
    from tf_facerecon.morphable_models.importers.basel import bfm17

    for name in bfm17._PUBLISHED_NAMES.values():
        assert f" {name.partition('-')[0]} " in model_sources.build_command(name)


def test_built_name_preset():
    names = [model_sources.built_name("bfm09"), model_sources.built_name("bfm09", full=True)]
    parts = model_sources.BUILDERS["ict"].options[0].choices
    names += [model_sources.built_name("ict", part=part) for part in parts]
    assert names == ["bfm09", "bfm09-full", "ict", "ict-face", "ict-full-head"]
    assert all(model_sources.build_command(name) for name in names)
    assert model_sources.built_name("bfm17") is model_sources.built_name("procedural") is None


def test_build_fields_exception_raised(tmp_path):
    with pytest.raises(ValueError, match="must be one of bfm09, .*'flame'"):
        model_sources.build_fields("flame")
    for kind in ("bfm09", "bfm17", "bfm19", "ict"):
        with pytest.raises(ValueError, match=f"source files of {kind}"):
            model_sources.build_fields(kind)
    with pytest.raises(ValueError, match=r"`options` of ict must be among \['part'\].*: full\."):
        model_sources.build_fields("ict", tmp_path, full=True)
    with pytest.raises(ValueError, match="`part` must be one of .*'nose'"):
        model_sources.build_fields("ict", tmp_path, part="nose")
    for kind in ("bfm09", "bfm17", "bfm19"):
        with pytest.raises(FileNotFoundError):
            model_sources.build_fields(kind, tmp_path / "absent")


def test_build_fields_tells_the_years_apart(monkeypatch):
    from tf_facerecon.morphable_models.importers.basel import bfm17

    monkeypatch.setattr(bfm17, "bfm17_fields", lambda source: {"name": "bfm17-face12"})
    assert model_sources.build_fields("bfm17", "x.h5")["name"] == "bfm17-face12"
    with pytest.raises(ValueError, match="contains bfm17-face12 .* not bfm19: build bfm17"):
        model_sources.build_fields("bfm19", "x.h5")


@pytest.fixture
def scan_builder(monkeypatch):
    """A further kind of model, registered as the documentation says."""
    options = (
        model_sources.BuildOption("points", "--points", "landmarks", pathlib.Path, required=True),
        model_sources.BuildOption("part", "--part", "part", choices=("face", "head")),
    )
    builder = model_sources.ModelBuilder(
        build=lambda source, **options: {"source": source, **options},
        options=options,
        model_name=lambda points, part: f"scan-{part}",
        commands={"scan-head": "scan --source FILE --points POINTS --part head"},
    )
    builders = {**model_sources.BUILDERS, "scan": builder}
    monkeypatch.setattr(model_sources, "BUILDERS", builders)
    return builder


def test_builders_are_extensible(scan_builder):
    fields = model_sources.build_fields("scan", "a.obj", points="p.txt")
    assert fields == {"source": "a.obj", "points": "p.txt", "part": None}
    assert model_sources.built_name("scan", points="p.txt", part="head") == "scan-head"
    assert model_sources.build_command("scan-head").endswith(
        " scan --source FILE --points POINTS --part head"
    )
    with pytest.raises(ValueError, match="scan needs `points`: landmarks"):
        model_sources.build_fields("scan", "a.obj")


def test_commands_begin_with_their_kind():
    for kind, builder in model_sources.BUILDERS.items():
        assert all(command.split()[0] == kind for command in builder.commands.values())
