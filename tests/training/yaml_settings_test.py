import pytest

from tf_facerecon.training import yaml_settings


def test_apply_overrides_preset():
    settings = {"a": {"b": 1, "c": 2}}
    changed = yaml_settings.apply_overrides(settings, ["a.b=[1, 2]", "d.e.f=x=y", "a.c=null"])
    assert changed == {"a": {"b": [1, 2], "c": None}, "d": {"e": {"f": "x=y"}}}
    assert settings == {"a": {"b": 1, "c": 2}}


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("a.b", "Expected `section.key=value`"),
        ("=1", "Expected `section.key=value`"),
        ("a..b=1", "Expected `section.key=value`"),
        ("a.b=[", "not YAML"),
        ("a.b.c=1", "'b' is a value"),
    ],
)
def test_apply_overrides_exception_raised(override, message):
    with pytest.raises(ValueError, match=message):
        yaml_settings.apply_overrides({"a": {"b": 1}}, [override])


def test_read_yaml_exception_raised(tmp_path):
    with pytest.raises(FileNotFoundError, match="absent.yaml"):
        yaml_settings.read_yaml(tmp_path / "absent.yaml")
    (tmp_path / "list.yaml").write_text("[1, 2]", encoding="utf-8")
    with pytest.raises(ValueError, match="must be a YAML mapping. Received: list"):
        yaml_settings.read_yaml(tmp_path / "list.yaml")
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match="not a YAML file"):
        yaml_settings.read_yaml(tmp_path / "binary.yaml")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_read_yaml_saved_on_windows(tmp_path, encoding):
    (tmp_path / "a.yaml").write_bytes("a:\r\n  b: 1\r\n  c: Zoë\r\n".encode(encoding))
    assert yaml_settings.read_yaml(tmp_path / "a.yaml") == {"a": {"b": 1, "c": "Zoë"}}


def test_read_yaml_refuses_python_objects(tmp_path):
    (tmp_path / "evil.yaml").write_text("a: !!python/object/apply:os.getcwd []", encoding="utf-8")
    with pytest.raises(ValueError, match="not a YAML file"):
        yaml_settings.read_yaml(tmp_path / "evil.yaml")


def test_write_yaml_round_trip_in_order(tmp_path):
    settings = {"z": 1, "a": {"c": [1.5, None], "b": "1e-4"}}
    yaml_settings.write_yaml(tmp_path / "x.yaml", settings)
    read = yaml_settings.read_yaml(tmp_path / "x.yaml")
    assert read == settings
    assert list(read) == ["z", "a"]


def test_flatten_preset():
    assert yaml_settings.flatten({"a": {"b": 1, "c": {"d": 2}}, "e": 3}) == {
        "a.b": 1,
        "a.c.d": 2,
        "e": 3,
    }


def test_read_yaml_key_twice_exception_raised(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text("data: {kind: photos}\nloss_weights: {a: 1}\nloss_weights: {b: 1}\n")
    with pytest.raises(ValueError, match="'loss_weights' stands there twice"):
        yaml_settings.read_yaml(path)
