import numpy as np
import pytest

from tf_facerecon.morphable_models.parameterization import feature_masks
from tf_facerecon.morphable_models.procedural import eyeballs

MIDDLE = np.full(3, feature_masks.EYE_CENTRE_S)


def heights(*shares):
    """Heights at these shares of the opening, from the lower to the upper lid."""
    upper, lower, _ = feature_masks.lid_heights(MIDDLE[: len(shares)])
    return lower + np.array(shares) * (upper - lower)


def test_eyeball_lies_between_the_lids():
    np.testing.assert_allclose(
        eyeballs.eyeball_mask(MIDDLE, heights(0.0, 0.5, 1.0)), [0, 1, 0], atol=1e-12
    )


def test_eyeball_height_extends_behind_the_lids():
    shown = eyeballs.eyeball_height(MIDDLE, heights(0.0, 0.5, 1.0))
    lower, _, upper = heights(0.0, 0.5, 1.0)
    assert shown[0] < lower - 0.01 and shown[2] > upper + 0.02
    assert (np.diff(shown) > 0).all()


def test_eyeball_height_is_the_height_outside_the_eye_random(rng):
    s, t = rng.uniform(0.55, 1.2, 20), rng.uniform(-0.9, 0.9, 20)
    np.testing.assert_array_equal(eyeballs.eyeball_height(s, t), t)
    np.testing.assert_array_equal(eyeballs.eyeball_mask(s, t), 0.0)


@pytest.mark.parametrize(
    "field", [eyeballs.eyeball_mask, eyeballs.eyeball_height, eyeballs.lid_shadow]
)
def test_fields_are_symmetric_random(field, rng):
    s, t = rng.uniform(0.2, 0.5, 50), rng.uniform(0.25, 0.35, 50)
    np.testing.assert_allclose(field(-s, t), field(s, t), atol=1e-12)


def test_lid_shadow_is_deepest_below_the_upper_lid():
    bottom, middle, top = eyeballs.lid_shadow(MIDDLE, heights(0.2, 0.4, 0.95))
    assert top > 0.8 and middle < 0.3 and bottom < top
