import pathlib

import pytest

from tf_facerecon.cli.preset_commands import portable, preset_command
from tf_facerecon.cli.shipped_configs import find_config
from tf_facerecon.training import config as run_config

CONFIGS = pathlib.Path(__file__).resolve().parents[2] / "configs"  # A link to the package's folder.


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_preset_command_preset(folder):
    command = preset_command(
        "train",
        folder / "configs" / "small.yaml",
        preset="mine",
        out=folder / "out",
        overrides=["schedule.steps=8", "face_model.name=/elsewhere/my face.npz"],
    )
    assert command == (
        "tf-facerecon train --config configs/small.yaml --preset mine --out out "
        "schedule.steps=8 'face_model.name=my face.npz'"
    )


def test_preset_command_leaves_out_what_was_not_given(folder):
    assert preset_command("x", folder / "a.yaml") == "tf-facerecon x --config a.yaml"


@pytest.mark.parametrize("config", ["smoke", CONFIGS / "smoke.yaml"])
def test_preset_command_names_shipped_configurations(folder, config):
    assert preset_command("train", find_config(str(config))) == "tf-facerecon train --config smoke"


@pytest.mark.parametrize(
    ("starts_from", "first"),
    [
        ("runs/r_net_small/r_net.keras", "tf-facerecon train --config r_net_small && "),
        ("runs/unknown/r_net.keras", ""),
        ("runs/c_net_small/r_net.keras", ""),
        ("runs/r_net_small/other.keras", ""),
        ("elsewhere/r_net_small/r_net.keras", ""),
        ("r_net_small", ""),
        (None, ""),
    ],
)
def test_preset_command_begins_where_its_start_is_made(folder, starts_from, first):
    command = preset_command("x", folder / "second.yaml", starts_from=starts_from)
    assert command == f"{first}tf-facerecon x --config second.yaml"


def test_portable_preset(folder):
    assert portable(pathlib.Path("a/b.yaml")) == "a/b.yaml"
    assert portable(folder.parent / "else" / "b.yaml") == "b.yaml"


def test_made_by_goes_back_to_the_first_training(folder):
    photos = find_config("r_net_photos")
    small = find_config("r_net_small")
    run_config.save_config(
        run_config.load_config(
            photos,
            [
                "optimizer.learning_rate=0.5",
                "network.initial_weights=runs/r_net_small/r_net.keras",
            ],
        ),
        folder / "runs" / "r_net_photos" / "resolved_config.yaml",
    )
    command = preset_command(
        "train-c-net", find_config("c_net_small"), starts_from="runs/r_net_photos/r_net.keras"
    )
    second = (
        "tf-facerecon train --config r_net_photos "
        "network.initial_weights=runs/r_net_small/r_net.keras optimizer.learning_rate=0.5"
    )
    assert command.split(" && ") == [
        "tf-facerecon train --config r_net_small",
        second,
        "tf-facerecon train-c-net --config c_net_small",
    ]
    # A run that began with itself ends the chain.
    run_config.save_config(
        run_config.load_config(small, ["network.initial_weights=runs/r_net_small/r_net.keras"]),
        folder / "runs" / "r_net_small" / "resolved_config.yaml",
    )
    command = preset_command("train", small, starts_from="runs/r_net_photos/r_net.keras")
    assert command.split(" && ") == [
        "tf-facerecon train --config r_net_small "
        "network.initial_weights=runs/r_net_small/r_net.keras",
        second,
        "tf-facerecon train --config r_net_small",
    ]
