import pathlib

import pytest

from tf_facerecon.cli import shipped_configs


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_find_config_by_name_and_by_path(here):
    assert shipped_configs.find_config("smoke") == shipped_configs.shipped_folder() / "smoke.yaml"
    (here / "mine.yaml").touch()
    assert shipped_configs.find_config("mine.yaml") == pathlib.Path("mine.yaml")


def test_find_config_prefers_a_file(here):
    (here / "smoke").touch()
    assert shipped_configs.find_config("smoke") == pathlib.Path("smoke")


@pytest.mark.parametrize("unknown", ["smok", "absent/smoke.yaml"])
def test_find_config_leaves_unknown_names_to_the_reader(here, unknown):
    assert shipped_configs.find_config(unknown) == pathlib.Path(unknown)


def test_shipped_name_preset(here):
    for path in shipped_configs.shipped_folder().glob("*.yaml"):
        name = shipped_configs.shipped_name(path)
        assert shipped_configs.find_config(name) == path
    assert shipped_configs.shipped_name(here / "smoke.yaml") is None
