import dataclasses

import numpy as np
import pytest

from tf_facerecon.morphable_models.albedo import albedo_synthesis

S, T = (
    values.ravel() for values in np.meshgrid(np.linspace(-1.3, 1.3, 53), np.linspace(-1, 1, 41))
)
BARE = np.ones(S.size)


@pytest.fixture(scope="module")
def masks():
    return albedo_synthesis.FaceMasks.on_domain(S, T, BARE)


def test_blend_preset():
    colours = np.array([[0.0, 0.5, 1.0], [0.2, 0.2, 0.2]])
    mixed = albedo_synthesis.blend(colours, np.array([0.5, 0.0]), np.array([1.0, 1.0, 0.0]))
    np.testing.assert_allclose(mixed, [[0.5, 0.75, 0.5], [0.2, 0.2, 0.2]])


def test_masks_lie_between_0_and_1(masks):
    for field in dataclasses.fields(masks)[2:]:
        values = getattr(masks, field.name)
        assert values.shape == S.shape and 0.0 <= values.min() and values.max() <= 1.0, field.name


def test_skin_without_features_is_uniform(masks):
    empty = {field.name: 0 * S for field in dataclasses.fields(masks)[3:]}
    colours = albedo_synthesis.mean_colours(dataclasses.replace(masks, **empty))
    forehead = (T > 0.6) & (np.abs(S) < 0.3)
    np.testing.assert_allclose(
        colours[forehead], np.tile(albedo_synthesis.SKIN, (forehead.sum(), 1)), atol=0.02
    )
    cheek = np.argmin((S - 0.42) ** 2 + T**2)
    assert (
        colours[cheek, 0] / colours[cheek, 1] > albedo_synthesis.SKIN[0] / albedo_synthesis.SKIN[1]
    )


def test_smooth_modes_are_the_strongest_ones(masks):
    """Even fields of variances 0.6, 0.1 and an odd one of 0.3; lightness varies most."""
    fields = np.stack([np.cos(S), np.cos(3 * T)], axis=-1)
    random = {"even": (np.array([0.6, 0.1]), fields), "odd": (np.array([0.3]), np.sin(S)[:, None])}
    colours = albedo_synthesis.mean_colours(masks)
    count = albedo_synthesis.NUM_NAMED_MODES
    modes = albedo_synthesis.albedo_modes(masks, colours, random, count + 3)[..., count:]
    quiet = 1.0 - 0.8 * np.maximum(masks.eye, masks.hair)
    for k, field in enumerate((np.cos(S), np.sin(S), np.cos(3 * T))):
        strongest = np.argmax(np.abs(field * quiet))
        axis = modes[strongest, :, k] / (field * quiet)[strongest]
        np.testing.assert_allclose(modes[..., k], np.outer(field * quiet, axis), atol=1e-12)
        assert (axis > 0).all()  # lightness: all channels together


def test_named_modes_count(masks):
    none = {"even": (np.ones(1), np.ones((S.size, 1))), "odd": (np.zeros(0), np.zeros((S.size, 0)))}
    colours = albedo_synthesis.mean_colours(masks)
    modes = albedo_synthesis.albedo_modes(
        masks, colours, none, albedo_synthesis.NUM_NAMED_MODES + 1
    )
    assert modes.shape == (S.size, 3, albedo_synthesis.NUM_NAMED_MODES + 1)


def test_lip_modes_lie_on_the_lips(masks):
    none = {"even": (np.ones(1), np.ones((S.size, 1))), "odd": (np.zeros(0), np.zeros((S.size, 0)))}
    count = albedo_synthesis.NUM_NAMED_MODES + 1
    colours = albedo_synthesis.mean_colours(masks)
    usual = albedo_synthesis.albedo_modes(masks, colours, none, count)
    asked = ((0.01, 0.02, 0.03), (0.04, 0.05, 0.06))
    modes = albedo_synthesis.albedo_modes(masks, colours, none, count, asked)
    for mode, colour in zip((10, 11), asked, strict=True):
        np.testing.assert_allclose(modes[..., mode], np.outer(masks.lips, colour))
    assert np.all(modes == usual, axis=(0, 1)).sum() == count - 2


def test_concavities_are_darker(masks):
    lit = albedo_synthesis.mean_colours(dataclasses.replace(masks, concavity=0 * S))
    deep = albedo_synthesis.mean_colours(dataclasses.replace(masks, concavity=BARE))
    forehead = (T > 0.4) & (T < 0.7) & (np.abs(S) < 0.1)
    np.testing.assert_allclose(
        (deep / lit)[forehead],
        np.tile(np.exp(-0.9 * albedo_synthesis.MELANIN), (forehead.sum(), 1)),
    )
