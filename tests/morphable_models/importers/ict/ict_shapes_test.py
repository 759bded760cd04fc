import json

import numpy as np
import pytest

from tests.morphable_models.importers.ict import made_up_kit
from tf_facerecon.morphable_models.importers.ict import ict_shapes


def test_read_shapes_preset(kit, kit_folder):
    shapes = ict_shapes.read_shapes(kit_folder, kit.layout)
    np.testing.assert_allclose(shapes.neutral.vertices, kit.vertices, atol=1e-6)
    np.testing.assert_allclose(shapes.identity, kit.identity, atol=2e-6)
    np.testing.assert_allclose(shapes.expression, kit.expression, atol=2e-6)
    assert shapes.expression_names == made_up_kit.EXPRESSIONS
    np.testing.assert_array_equal(shapes.landmarks, kit.landmarks)
    assert not shapes.is_published


def change(folder, name, old, new, count=1):
    path = folder / "FaceXModel" / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, count))


def test_truncated_mesh_exception_raised(kit, kit_folder):
    path = kit_folder / "FaceXModel" / "identity003.obj"
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(ValueError, match="identity003.obj .*is it truncated"):
        ict_shapes.read_shapes(kit_folder, kit.layout)


def test_other_number_of_vertices_exception_raised(kit, kit_folder):
    change(kit_folder, "jawOpen.obj", "v ", "v 0 0 0\nv ")
    expected = kit.layout.num_vertices
    with pytest.raises(ValueError, match=f"jawOpen.obj .* {expected + 1} vertices; .* {expected}"):
        ict_shapes.read_shapes(kit_folder, kit.layout)


def test_corrupt_number_exception_raised(kit, kit_folder):
    change(kit_folder, "mouthClose.obj", "v ", "v x", 1)
    with pytest.raises(ValueError, match="mouthClose.obj"):
        ict_shapes.read_shapes(kit_folder, kit.layout)


def test_missing_shapes_exception_raised(kit, kit_folder):
    for name in ("identity001.obj", "jawOpen.obj"):
        (kit_folder / "FaceXModel" / name).unlink()
    with pytest.raises(FileNotFoundError, match=r"lacks 2 of the 9 .*identity001.obj, jawOpen.obj"):
        ict_shapes.read_shapes(kit_folder, kit.layout)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("expressions", [], "unique names"),
        ("expressions", ["jawOpen", "jawOpen"], "unique names"),
        ("expressions", ["jawOpen", 3], "unique names"),
        ("expressions", "jawOpen", "unique names"),
        ("expressions", ["identity000"], "unique names"),
        ("idx_to_landmark_verts", list(range(67)), "68 vertex indices"),
        ("idx_to_landmark_verts", [0.5] * 68, "68 vertex indices"),
        ("idx_to_landmark_verts", [10**9] * 68, "68 vertex indices"),
        ("idx_to_landmark_verts", [-1] * 68, "68 vertex indices"),
    ],
)
def test_wrong_index_exception_raised(kit, kit_folder, key, value, message):
    path = kit_folder / "FaceXModel" / "vertex_indices.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), key: value}))
    with pytest.raises(ValueError, match=message):
        ict_shapes.read_shapes(kit_folder, kit.layout)


@pytest.mark.parametrize("text", ["", "[1]", "{}", "{", "\xff"])
def test_damaged_index_exception_raised(kit, kit_folder, text):
    (kit_folder / "FaceXModel" / "vertex_indices.json").write_text(text, encoding="latin-1")
    with pytest.raises(ValueError, match="vertex_indices.json must be JSON with"):
        ict_shapes.read_shapes(kit_folder, kit.layout)
