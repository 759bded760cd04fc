"""Every demand on a face model, broken once."""

import numpy as np
import pytest

from tests.morphable_models.made_up_models import made_up_details, made_up_model

DETAILS = made_up_details()
MIRROR = DETAILS["mirror_index"]


def changed(array, place, value):
    array = np.array(array, float)
    array[place] = value
    return array


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("name", 3, "`name` of face model 3 must be a string"),
        ("licence", None, "`licence` .* must be a string"),
        ("units", "mm", "`units` .* must be 'dm'. Received: 'mm'"),
        ("mean_shape", np.zeros((144, 2)), r"`mean_shape` .* shape \[V, 3\].*\(144, 2\)"),
        ("mean_shape", np.zeros((0, 3)), r"`mean_shape` .* shape \[V, 3\].*\(0, 3\)"),
        ("mean_shape", 1.0, r"`mean_shape` .* must have shape"),
        ("mean_shape", [[1, 2, 3], [4]], "`mean_shape` of face model 'made-up' must be an array"),
        ("mean_shape", np.full((144, 3), 1e300), "`mean_shape` .* finite numbers"),
        ("identity_basis", np.zeros((143, 3, 80)), r"`identity_basis` .* \[144, 3, K_id\]"),
        ("albedo_basis", np.full((144, 3, 80), np.nan), "`albedo_basis` .* finite numbers"),
        ("triangles", [[0, 1, 144]], r"`triangles` of face model 'made-up' must lie in \[0, 143\]. "
         "Received: 0 to 144"),
        ("triangles", [[0, 1, -1]], r"`triangles` .* Received: -1 to 1"),
        ("triangles", [[0, 1, 2**40]], "`triangles` .* must lie in"),
        ("triangles", [[0, 1, 1.5]], "`triangles` .* must hold integers"),
        ("triangles", [[0, 1, np.nan]], "`triangles` .* must hold integers"),
        ("landmarks", np.full(68, -1), r"`landmarks` .* Received: -1 to -1"),
        ("landmarks", np.zeros(67), r"`landmarks` .* shape \[68\]"),
        ("uv", np.full((145, 2), 1.5), r"`uv` .* must lie in \[0, 1\]"),
        ("uv", np.full((145, 2), np.nan), r"`uv` .* must lie in \[0, 1\]"),
        ("uv_triangles", None, r"`uv` .* one row per vertex.*Received: 145 rows"),
        ("uv_triangles", np.zeros((3, 3)), r"`uv_triangles` .* must have shape \[242, 3\]"),
        ("uv_triangles", np.full((242, 3), 145), r"`uv_triangles` .* must lie in \[0, 144\]"),
        ("skin_region", np.array(["a"] * 144), "`skin_region` .* finite numbers"),
        ("now_landmarks", np.zeros(5), r"`now_landmarks` .* shape \[7\]"),
        ("regions", [1], "`regions` .* must be a mapping"),
        ("regions", {"Eyes!": np.ones(144)}, "`regions` .* Received: 'Eyes!'"),
        ("regions", {"eyes": np.ones(143)}, r"`regions\['eyes'\]` .* shape \[144\]"),
        ("regions", {"eyes": np.full(144, 2)}, r"`regions\['eyes'\]` .* must lie in \[0, 1\]"),
        ("expression_names", ("a",), "`expression_names` .* 64 unique names. Received: 1 "),
        ("expression_names", ("a",) * 64, "`expression_names` .* 1 of them unique"),
        ("expression_names", range(64), "`expression_names` .* must be strings"),
        ("expression_range", np.zeros((64, 2)), "`expression_range` .* for mode 0"),
        ("expression_range", changed(DETAILS["expression_range"], (5, 0), 0.1), "for mode 5"),
        ("expression_requires", np.full(64, 64), r"`expression_requires` .* \[-1, 63\]"),
        ("expression_requires", np.arange(64), "mode 0 requires 0, which requires 0"),
        ("expression_requires", np.array([3, *[-1] * 63]),
         r"`expression_range` .* \[0.0, 1.0\] for mode 0, \[-0.5, 2.0\] for mode 3, which it"),
        ("identity_scales", np.full(80, -1.0), "`identity_scales` .* must not be less than 0"),
        ("texture_scales", np.ones(79), r"`texture_scales` .* shape \[80\]"),
        ("mirror_index", changed(MIRROR, 0, 5), "`mirror_index` .* vertex 0 to 5, and that to"),
    ],
)  # fmt: skip
def test_checked_fields_exception_raised(name, value, message):
    with pytest.raises(ValueError, match=message):
        made_up_model(**{**DETAILS, name: value})


def test_checked_fields_types_and_protection():
    shape = made_up_model().mean_shape.astype(np.float64)
    model = made_up_model(**{**DETAILS, "mean_shape": shape, "landmarks": [7] * 68})
    shape[0] = 9.0
    assert model.mean_shape[0, 0] != 9.0
    assert model.mean_shape.dtype == np.float32 and model.landmarks.dtype == np.int32
    for array in (model.mean_shape, model.uv_triangles, model.regions["eyes"]):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
    with pytest.raises(TypeError):
        model.regions["lips"] = model.regions["eyes"]
    # What is protected already is shared.
    assert made_up_model(mean_shape=model.mean_shape).mean_shape is model.mean_shape
