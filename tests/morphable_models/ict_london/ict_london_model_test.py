"""The whole way from a made-up kit and made-up photographs to a face model."""

import numpy as np
import PIL.Image
import pytest

from tf_facerecon.morphable_models.ict_london import (
    ict_london_model,
    london_points,
    photo_albedo,
    photo_set,
    point_fit,
    point_registration,
    shape_model,
)
from tf_facerecon.morphable_models.importers.ict import ict_shapes
from tf_facerecon.morphable_models.morphable_model import MorphableModel

TONES = np.array([[200, 160, 140], [150, 110, 90], [90, 60, 50]])
NUM_VERTICES, NUM_MODES, SIDE = 2_500, 4, 400
BACKGROUND = (10, 200, 10)


def face_points(shape, fit):
    """Points `[189, 2]` of the mean face: where they belong, or anywhere sensible."""
    template, mean = shape.template, shape.mean
    points = np.zeros((london_points.NUM_POINTS, 2))
    rng = np.random.default_rng(3)
    front = np.flatnonzero(shape.front)
    drawn = rng.choice(front, len(points), replace=False)
    points[:] = fit.project(mean[drawn])
    skin = template.parts["skin"]
    numbers, vertices, weights = point_registration.anchor_places(
        mean, template.triangles[skin[template.triangles].all(axis=1)], template.landmarks
    )
    points[numbers] = fit.project(np.einsum("nk,nkd->nd", weights, mean[vertices]))
    for number, (side, iris) in enumerate(zip((-1, 1), london_points.IRISES, strict=True)):
        ball = np.flatnonzero(template.parts["eyeballs"] & (side * mean[:, 0] > 0))
        pole = mean[ball[np.argmax(mean[ball, 2])]]
        angles = np.linspace(0, 2 * np.pi, 8, endpoint=False)
        ring = 0.06 * np.stack([np.sin(angles), np.cos(angles), 0 * angles], axis=-1)
        points[list(iris)] = fit.project(pole + ring)
        assert number in (0, 1)
    angles = np.linspace(0, 2 * np.pi, len(london_points.FACE_OUTLINE), endpoint=False)
    ellipse = np.stack([0.6 * np.sin(angles), 0.05 + 0.8 * np.cos(angles), 0 * angles], axis=-1)
    points[list(london_points.FACE_OUTLINE)] = fit.project(ellipse)
    for number in london_points.SLIDING_POINTS:
        points[number] = fit.project(mean[template.landmarks[8 + number - 129]])
    return points


@pytest.fixture(scope="module")
def sources(kit, tmp_path_factory):
    """Kit, photographs of three even faces under even light, and their points."""
    folder = tmp_path_factory.mktemp("sources")
    kit.write(folder / "kit")
    shapes = ict_shapes.read_shapes(folder / "kit", kit.layout)
    shape = shape_model.build_shape(shapes, kit.layout, NUM_MODES, NUM_VERTICES)
    centre = np.full(2, 0.5 * (SIDE - 1))
    fit = point_fit.PhotoFit(np.zeros(NUM_MODES), np.zeros(3), np.zeros(2), 2_500.0, centre, 0.0)
    points = face_points(shape, fit)
    (folder / "photos").mkdir()
    names = [f"{number}.png" for number in range(len(TONES))]
    for name, tone in zip(names, TONES, strict=True):
        image = np.full((SIDE, SIDE, 3), BACKGROUND, np.uint8)
        image[30:370, 60:340] = tone
        PIL.Image.fromarray(image).save(folder / "photos" / name)
    np.savez(folder / "points.npz", names=names, points=np.tile(points, (len(TONES), 1, 1)))
    return folder, shape


def test_people_have_the_colours_of_their_photographs(sources):
    folder, shape = sources
    photos = photo_set.read_photo_set(folder / "photos", folder / "points.npz")
    synthetic = ict_london_model.synthetic_albedo(shape)
    people = photo_albedo.people_albedo(shape, photos, synthetic.skin_region)
    assert people.residuals.max() < 6.0 and np.abs(people.coefficients).max() < 3.0
    seen = people.seen.all(axis=0) & shape.template.parts["skin"]
    assert seen.sum() > 500
    for own, tone in zip(people.completed, TONES / 255.0, strict=True):
        np.testing.assert_allclose(np.median(own[seen], axis=0), tone, atol=0.04)
        skin = own[shape.template.parts["skin"]]
        # No background: green is nowhere the strongest colour.
        assert (skin[:, 1] < skin[:, 0]).mean() > 0.99


def test_fields_make_a_face_model(sources, kit, tmp_path):
    folder, shape = sources
    fields = ict_london_model.ict_london_fields(
        folder / "kit",
        folder / "photos",
        folder / "points.npz",
        num_vertices=NUM_VERTICES,
        layout=kit.layout,
        num_modes=NUM_MODES,
    )
    model = MorphableModel(**fields)
    assert model.name == f"ict_london-{NUM_VERTICES}" and model.redistributable
    assert "CC BY 4.0" in model.licence and "USC Institute" in model.licence
    assert "3 people" in model.source
    assert model.albedo_basis.shape[-1] == model.identity_basis.shape[-1] == NUM_MODES
    assert {"eyes", "lips", "teeth", "small_face"} <= model.regions.keys()
    np.testing.assert_array_equal(model.expression_requires, [-1, -1, 1])
    parts = shape.template.parts
    # Teeth and the inside of the mouth have one colour for all.
    assert not model.albedo_basis[parts["teeth"] | parts["mouth"]].any()
    cheek = model.landmarks[2]
    dark = model.mean_albedo[cheek] + 2.4 * model.albedo_basis[cheek, :, 0]
    light = model.mean_albedo[cheek] - 2.4 * model.albedo_basis[cheek, :, 0]
    np.testing.assert_allclose([light, dark], TONES[[0, 2]] / 255.0, atol=0.12)
    again = MorphableModel(
        **ict_london_model.ict_london_fields(
            folder / "kit",
            folder / "photos",
            folder / "points.npz",
            num_vertices=NUM_VERTICES,
            layout=kit.layout,
            num_modes=NUM_MODES,
        )
    )
    assert again.fingerprint == model.fingerprint


def test_too_few_people_exception_raised(sources, kit):
    folder, _ = sources
    with pytest.raises(ValueError, match="6 albedo modes need photographs of at least 4 people"):
        ict_london_model.ict_london_fields(
            folder / "kit",
            folder / "photos",
            folder / "points.npz",
            layout=kit.layout,
            num_modes=6,
        )
