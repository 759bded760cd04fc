import pytest

from tf_facerecon.training import identity_config


def test_load_config_defaults_and_overrides(tmp_path):
    path = tmp_path / "identity.yaml"
    path.write_text("people: {num_people: 8}\n")
    config = identity_config.load_config(path, ["schedule.steps=7"])
    assert (config.people.num_people, config.people.num_views) == (8, 2)
    assert config.schedule.steps == 7 and config.network.embedding_size == 128


@pytest.mark.parametrize(
    "text, message",
    [
        ("peple: {}", "did you mean `people`"),
        ("people: {num_views: 1}", "`people.num_views`"),
        ("people: {temperature: 0}", "`people.temperature`"),
        ("verification: {num_people: 3}", "`verification.num_people`"),
        ("network: {image_size: 100}", "`network.image_size`"),
        ("schedule: {validation_batches: 4}", "unknown key"),
        ("schedule: {steps: 9}\noptimizer: {warmup_steps: 9}", "must be less than"),
    ],
)
def test_load_config_exception_raised(tmp_path, text, message):
    path = tmp_path / "identity.yaml"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        identity_config.load_config(path)
