import pathlib

import pytest

from tf_facerecon.training import c_net_config
from tf_facerecon.training import config as run_config

CONFIGS = pathlib.Path(__file__).parents[2] / "configs"
MINIMAL = "loss_weights: {landmark: 1.0}\n"


@pytest.fixture
def load(tmp_path):
    def load_text(text, overrides=()):
        path = tmp_path / "sets.yaml"
        path.write_text(text, encoding="utf-8")
        return c_net_config.load_config(path, overrides)

    return load_text


def test_load_config_fills_defaults(load):
    config = load(MINIMAL, ["data.set_size=4"])
    assert (config.data.kind, config.data.set_size, config.data.bad_frames) == (
        "synthetic",
        4,
        (1, 3),
    )
    assert config.network.r_net == "r_net_small" and not config.network.train_r_net


def test_load_config_of_photographs(load):
    config = load(MINIMAL + "data: {kind: photos, folder: people, set_size: 8}\n")
    assert (config.data.set_size, config.data.min_photos) == (8, 2)


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("c_net_*.yaml")), ids=lambda path: path.stem)
def test_shipped_configs_are_valid_and_survive_writing(path, tmp_path):
    config = c_net_config.load_config(path)
    run_config.save_config(config, tmp_path / "copy.yaml")
    copy = c_net_config.load_config(tmp_path / "copy.yaml")
    assert copy == config
    assert not run_config.differing_settings(copy, config)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("data: {bad_frames: [2, 6]}", "`data.*`bad_frames` must be two rising numbers"),
        ("data: {bad_frames: [2]}", "`data.bad_frames"),
        ("data: {lifelike: true}", "`lifelike` is for single faces"),
        ("data: {kind: photos, folder: x, bad_frames: [0, 6]}", "`bad_frames` must be two rising"),
        ("data: {kind: photos, folder: x, per_person: 2}", "`per_person` is for single images"),
        ("data: {kind: photos, folder: x, min_photos: 6}", "`min_photos` must not be more"),
        ("data: {kind: photos}", "`data.folder`: required"),
        ("data: {bad_frames: [true, 2]}", "`bad_frames` cannot be true"),
        ("data: {set_size: 1, bad_frames: [0, 0]}", "`data.*set_size`"),
        ("data: {kind: photos, folder: x, min_photos: 1}", "`data.*min_photos`"),
        ("data: {set_sise: 3}", "did you mean `data.set_size`"),
        ("network: {backbone: small}", "`network.backbone`: unknown key"),
        ("network: {preset: large}", "`network.preset`"),
        ("logging: {panel_epochs: 3}", "`logging.panel_epochs`: unknown key"),
        ("optimizer: {warmup_steps: 20000}", "must be less than `schedule.steps`"),
    ],
)
def test_load_config_exception_raised(load, text, message):
    with pytest.raises(ValueError, match=message):
        load(MINIMAL + text + "\n")


def test_photographs_have_no_truth(load):
    with pytest.raises(ValueError, match="which photographs do not have"):
        load("loss_weights: {vertices: 1.0}\ndata: {kind: photos, folder: x}\n")
