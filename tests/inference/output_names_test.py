"""Names of what can be saved: `inference.output_names`."""

import pytest

from tf_facerecon.inference import output_names


def test_choose_preset():
    available = ("mesh", "json", "npz")
    assert output_names.choose(None, available) == available
    assert output_names.choose(["npz", "mesh", "npz"], available) == ("mesh", "npz")
    assert output_names.choose("json", available) == ("json",)


@pytest.mark.parametrize(
    ("outputs", "received"), [([], "none"), (["a", "mesh", "b"], "'a', 'b'"), ("", "''")]
)
def test_choose_exception_raised(outputs, received):
    with pytest.raises(ValueError, match=f"one or more of mesh, json. Received: {received}"):
        output_names.choose(outputs, ("mesh", "json"))


def test_files_preset():
    assert output_names.face_files("a", ["mesh", "json"]) == [
        "a.obj",
        "a.mtl",
        "a_texture.png",
        "a.json",
    ]
    names = output_names.set_files("anna", ["posed", "json"], ["1", "2"])
    assert names == [
        "anna_1.obj",
        "anna_2.obj",
        "anna_1.mtl",
        "anna_2.mtl",
        "anna_1_texture.png",
        "anna_2_texture.png",
        "anna.json",
    ]
