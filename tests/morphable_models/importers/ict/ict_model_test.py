import functools
import json
import tarfile

import numpy as np
import pytest

from tests.morphable_models.importers.ict import made_up_kit
from tf_facerecon.morphable_models import model_sources
from tf_facerecon.morphable_models.importers.ict import (
    ict_identity,
    ict_model,
    ict_parts,
    ict_shapes,
)
from tf_facerecon.morphable_models.morphable_model import MorphableModel

ARCHIVE = "ict-facekit-da5f95a6.tar.xz"


@pytest.fixture(scope="module")
def kit_source(kit, tmp_path_factory):
    return kit.write(tmp_path_factory.mktemp("kit") / "ICT-FaceKit")


@pytest.fixture(scope="module", params=ict_parts.PART_NAMES)
def model(request, kit, kit_source):
    fields = ict_model.ict_fields(kit_source, part=request.param, layout=kit.layout)
    return MorphableModel(**fields)


def test_model_carries_what_the_kit_tells(model, kit):
    named = {model_sources.built_name("ict", part=part) for part in ict_parts.PART_NAMES}
    assert named == {"ict", "ict-face", "ict-full-head"} and model.name in named
    assert model.redistributable and "MIT" in model.licence and "files other than" in model.source
    assert model.expression_names == made_up_kit.EXPRESSIONS
    np.testing.assert_array_equal(model.expression_range, [[0, 1]] * 3)
    np.testing.assert_array_equal(model.expression_requires, [-1, -1, 1])
    assert model.identity_basis.shape[-1] == made_up_kit.NUM_IDENTITIES
    assert model.albedo_basis.shape[-1] == 80
    assert 0.0 <= model.mean_albedo.min() and model.mean_albedo.max() <= 1.0
    assert {"eyes", "lips", "small_face"} <= model.regions.keys()
    assert len(model.uv) > model.num_vertices  # a seam


def test_shapes_are_in_decimetres_about_the_template(model, kit):
    landmarks = kit.vertices[kit.landmarks] / 10
    distances = np.linalg.norm(landmarks[:, None] - landmarks, axis=-1)
    own = model.mean_shape[model.landmarks]
    np.testing.assert_allclose(np.linalg.norm(own[:, None] - own, axis=-1), distances, atol=1e-6)
    np.testing.assert_allclose(own[30], [0.0, -0.046, 0.552], atol=0.08)


def test_mirror_index_mirrors(model):
    mirrored = model.mean_shape[model.mirror_index] * [-1, 1, 1]
    np.testing.assert_allclose(mirrored, model.mean_shape, atol=1e-5)


def test_saved_model_is_read_back(model, tmp_path):
    model.save(tmp_path / "ict.npz")
    again = MorphableModel.load(tmp_path / "ict.npz")
    np.testing.assert_array_equal(again.identity_basis, model.identity_basis)
    assert again.expression_names == model.expression_names


def test_original_basis_gives_the_kits_own_shapes_random(kit, kit_source, rng):
    fields = ict_model.ict_fields(kit_source, orthogonal=False, layout=kit.layout)
    assert fields["name"] == "ict-original" and fields["identity_scales"] is None
    check_original_basis(fields, kit.vertices, kit.identity, kit.expression, kit.layout, rng)


def test_identity_scales_are_the_lengths_of_the_modes(kit, kit_source):
    fields = ict_model.ict_fields(kit_source, layout=kit.layout)
    skin = slice(*kit.layout.narrow_face)
    lengths = np.linalg.norm(fields["identity_basis"][skin].reshape(-1, 6), axis=0)
    np.testing.assert_allclose(fields["identity_scales"], lengths, rtol=1e-5)


def test_unknown_part_exception_raised(kit, kit_source):
    with pytest.raises(ValueError, match="`part` must be one of"):
        ict_model.ict_fields(kit_source, part="nose", layout=kit.layout)


def test_wrong_layout_exception_raised(kit, kit_source):
    with pytest.raises((ValueError, FileNotFoundError), match="expected 26719|lacks 94 of the 103"):
        ict_model.ict_fields(kit_source)


def test_mirror_index_of_an_asymmetric_mesh_exception_raised(kit):
    points = kit.vertices.copy()
    points[3, 0] += 0.5
    with pytest.raises(ValueError, match="symmetric within"):
        ict_model.mirror_index(points)


def test_mirror_index_pairs_vertices_that_lie_close_together():
    """Both of one side are nearest to the same one of the other; each still gets a partner."""
    points = np.array([[1.0, 0, 0], [1.02, 0, 0], [-1.012, 0, 0], [-1.04, 0, 0], [0.0, 1, 0]])
    np.testing.assert_array_equal(ict_model.mirror_index(points), [3, 2, 1, 0, 4])


def check_original_basis(fields, mean, identity, expression, layout, rng, draws=50):
    """`fields` give mean + sum of modes, all in cm, within 1e-4 cm; its frame is only shifted."""
    layout_skin = slice(*layout.narrow_face)
    shift = fields["mean_shape"][layout_skin] * 10.0 - mean[layout_skin]
    np.testing.assert_allclose(shift, np.broadcast_to(shift[0], shift.shape), atol=1e-5)
    for _ in range(draws):
        person = rng.normal(size=len(identity))
        face = rng.uniform(size=len(expression))
        expected = mean + np.tensordot(person, identity, 1) + np.tensordot(face, expression, 1)
        moved = (
            fields["mean_shape"]
            + fields["identity_basis"] @ person.astype(np.float32)
            + fields["expression_basis"] @ face.astype(np.float32)
        )
        np.testing.assert_allclose(
            moved[layout_skin] * 10.0 - shift[0], expected[layout_skin], atol=1e-4
        )


@functools.cache
def original_shapes(path):
    return ict_shapes.read_shapes(path, ict_parts.LIGHT_MODEL)


def independent_modes(path):
    """Mean, identities and expressions of the original files, line by line, narrow face only."""
    count = ict_parts.LIGHT_MODEL.narrow_face[1]
    shapes = {}
    with tarfile.open(path, "r|*") as archive:
        for member in archive:
            name = member.name.rpartition("/")[2]
            if name == "vertex_indices.json":
                index = json.load(archive.extractfile(member))
            elif name.endswith(".obj"):
                lines = archive.extractfile(member).read().split(b"\n")
                rows = [line.split()[1:] for line in lines if line.startswith(b"v ")]
                shapes[name[:-4]] = np.array(rows[:count], np.float64)
    mean = shapes["generic_neutral_mesh"]
    identity = [shapes[f"identity{number:03d}"] - mean for number in range(100)]
    expression = [shapes[name] - mean for name in index["expressions"]]
    return mean, np.stack(identity), np.stack(expression)


@pytest.mark.slow
def test_original_files_in_the_original_basis_random(shared_data, monkeypatch, rng):
    path = shared_data / ARCHIVE
    shapes = original_shapes(path)
    monkeypatch.setattr(ict_shapes, "read_shapes", lambda *_: shapes)
    fields = ict_model.ict_fields(path, orthogonal=False)
    assert "da5f95a6" in fields["source"] and len(fields["expression_names"]) == 53
    close = fields["expression_names"].index("mouthClose")
    needed = fields["expression_requires"][close]
    assert fields["expression_names"][needed] == "jawOpen"
    check_original_basis(fields, *independent_modes(path), ict_parts.LIGHT_MODEL, rng)


@pytest.mark.slow
def test_original_files_80_modes_hold_the_narrow_face(shared_data):
    shapes = original_shapes(shared_data / ARCHIVE)
    modes, points = shapes.identity[:, :6706], shapes.neutral.vertices[:6706]
    found = ict_identity.orthogonal_modes(modes, points, np.ones(6706, bool))
    energy = found.scales**2
    assert energy[:80].sum() / energy.sum() >= 0.994
    # What the 80 leave of the kit's own modes once each has been moved onto its best pose.
    inside = found.basis.reshape(100, -1)
    np.testing.assert_allclose(inside @ inside.T, np.diag(energy), atol=1e-6 * energy[0])


@pytest.mark.slow
def test_original_files_mirror(shared_data):
    points = original_shapes(shared_data / ARCHIVE).neutral.vertices[:24591]
    mirror = ict_model.mirror_index(points)
    np.testing.assert_array_equal(mirror[mirror], np.arange(24591))
    np.testing.assert_allclose(points[mirror] * [-1, 1, 1], points, atol=0.05)
