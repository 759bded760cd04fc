import pathlib

import pytest

from tf_facerecon.training import config as run_config

CONFIGS = pathlib.Path(__file__).parents[2] / "configs"
# Other tools have their own files in the same folder.
TRAINING_CONFIGS = sorted(
    path
    for pattern in ("r_net_*", "deep3d_*", "paper", "demo", "smoke")
    for path in CONFIGS.glob(f"{pattern}.yaml")
)
MINIMAL = "loss_weights: {landmark: 1.0}\n"


@pytest.fixture
def write(tmp_path):
    def write_text(text):
        path = tmp_path / "some.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write_text


def test_load_config_fills_defaults(write):
    config = run_config.load_config(write(MINIMAL))
    assert config.data.kind == "synthetic"
    assert config.network.backbone == "small"
    assert config.loss_weights.photometric == 0.0


def test_load_config_override_wins_over_file(write):
    path = write(MINIMAL + "optimizer: {learning_rate: 0.5, decay: step}\n")
    config = run_config.load_config(path, ["optimizer.learning_rate=1e-4", "network={}"])
    assert config.optimizer.learning_rate == 1e-4
    assert config.optimizer.decay == "step"


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("optimizer.learnig_rate=1", "did you mean `optimizer.learning_rate`"),
        ("optimiser.learning_rate=1", "did you mean `optimizer`"),
        ("data.batchsize=1", "did you mean `data.batch_size`"),
        ("data.zzzz=1", "expected one of kind, batch_size"),
        (
            "data.kind=foto",
            "`data.kind`: must be one of 'synthetic', 'photos', .* Received: 'foto'",
        ),
        ("data.batch_size=many", "`data.batch_size`: .*integer.* Received: 'many'"),
        ("schedule.steps=-1", "`schedule.steps`: .*greater than 0. Received: -1"),
        ("loss_weights.landmark=.nan", "`loss_weights.landmark`: .*finite"),
        ("loss_weights.landmark=0", "`loss_weights`: at least one term"),
        ("optimizer.warmup_steps=99999", "must be less than `schedule.steps`"),
    ],
)
def test_load_config_exception_raised(write, override, message):
    with pytest.raises(ValueError, match=message) as error:
        run_config.load_config(write(MINIMAL), [override])
    assert "some.yaml" in str(error.value)


def test_load_config_names_every_problem(write):
    with pytest.raises(ValueError, match="data.batch_size") as error:
        run_config.load_config(write("data: {batch_size: x}\nschedule: {step: 3}\n"))
    assert "`schedule.step`: unknown key; did you mean `schedule.steps`" in str(error.value)
    assert "`loss_weights`: required" in str(error.value)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["data.kind=photos"], "`data.folder`: required"),
        (["data={kind: photos, folder: a}", "loss_weights.vertices=1"], "which photographs"),
        (["data={kind: photos, folder: a}", "schedule.validation_batches=1"], "validation_folder"),
        (["data={kind: photos, folder: a, validation_folder: ./a/}"], "must be another folder"),
        (["data={kind: photos, folder: a, validation_folder: a/b}"], "neither in the other"),
        (["data={kind: photos, folder: a/b, validation_folder: a}"], "neither in the other"),
        (
            ["data={kind: photos, folder: a, prepared_folder: b, validation_prepared_folder: b}"],
            "must be two folders. Received: 'b'",
        ),
        (["data={kind: deep3d_pytorch, folder: a}", "loss_weights.albedo=1"], "which photographs"),
        (
            ["data={kind: deep3d_tensorflow, folder: a}", "schedule.validation_batches=1"],
            "validation_folder",
        ),
        (["data={kind: deep3d_tensorflow, folder: a, validation_folder: a}"], "another folder"),
        (
            ["data={kind: deep3d_pytorch, folder: a, list_file: b, validation_list_file: b}"],
            "must be two lists. Received: 'b'",
        ),
        (["data={kind: deep3d_tensorflow, folder: a, augment: true}"], "`data.augment`: unknown"),
    ],
)
def test_load_config_photos_exception_raised(write, overrides, message):
    with pytest.raises(ValueError, match=message):
        run_config.load_config(write(MINIMAL), overrides)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["schedule.steps=true"], "`steps` cannot be true"),
        (["data.batch_size=yes"], "`batch_size` cannot be true"),
        (
            ["network.backbone_weights=imagenet", "network.initial_weights=r_net_small"],
            "give one",
        ),
        (["optimizer.decay_steps=500"], '`decay_steps` .* `decay: step` only, not with "cosine"'),
        (["optimizer={decay: constant, decay_factor: 0.5}"], '`decay_factor` .* "constant"'),
    ],
)
def test_load_config_of_settings_that_mean_nothing_exception_raised(write, overrides, message):
    with pytest.raises(ValueError, match=message):
        run_config.load_config(write(MINIMAL), overrides)


def test_save_config_round_trip(write, tmp_path):
    config = run_config.load_config(write(MINIMAL), ["data={kind: photos, folder: a}"])
    run_config.save_config(config, tmp_path / "saved.yaml")
    assert run_config.load_config(tmp_path / "saved.yaml") == config


def test_differing_settings_preset(write):
    first = run_config.load_config(write(MINIMAL))
    second = run_config.load_config(
        write(MINIMAL), ["run.seed=3", "logging.panel_epochs=0", "checkpoints.keep=9"]
    )
    assert run_config.differing_settings(first, second) == {"run.seed": (0, 3)}


def test_renderings_are_for_photographs(write):
    truth = "loss_weights: {vertices: 1}\n"
    photos = "data: {kind: photos, folder: x}\n"
    config = run_config.load_config(write(photos + truth + "renderings: {batch_size: 2}\n"))
    assert (config.renderings.batch_size, config.renderings.lifelike) == (2, False)
    with pytest.raises(ValueError, match="set them to 0, or add `renderings`"):
        run_config.load_config(write(photos + truth))
    with pytest.raises(ValueError, match="`data` are renderings already"):
        run_config.load_config(write(truth + "renderings: {batch_size: 2}\n"))


def test_shape_consistency_needs_photographs_by_person(write):
    consistency = "loss_weights: {shape_consistency: 1}\n"
    photos = "data: {kind: photos, folder: x, per_person: 2}\n"
    assert run_config.load_config(write(photos + consistency)).data.per_person == 2
    for data in ("data: {kind: photos, folder: x}\n", "data: {kind: synthetic}\n"):
        with pytest.raises(ValueError, match="it needs `data.per_person`"):
            run_config.load_config(write(data + consistency))
    with pytest.raises(ValueError, match="`data.photos.per_person`|per_person"):
        run_config.load_config(write(photos.replace("2", "1") + consistency))


@pytest.mark.parametrize("path", TRAINING_CONFIGS, ids=lambda path: path.stem)
def test_shipped_config_is_valid_and_says_how_to_use_it(path):
    run_config.load_config(path)
    command = f"tf-facerecon train --config {path.stem}"
    assert command in path.read_text(encoding="utf-8").split("\n\n")[0]
