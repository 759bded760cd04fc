import numpy as np
import pytest

from tf_facerecon.face_models import features
from tf_facerecon.face_models.procedural import eyes

MIDDLE = np.full(3, features.EYE_CENTRE_S)


def heights(*shares):
    """Heights at these shares of the opening, from the lower to the upper lid."""
    upper, lower, _ = features.lid_heights(MIDDLE[: len(shares)])
    return lower + np.array(shares) * (upper - lower)


def test_eyeball_lies_between_the_lids():
    np.testing.assert_allclose(eyes.eyeball(MIDDLE, heights(0.0, 0.5, 1.0)), [0, 1, 0], atol=1e-12)


def test_eyeball_height_goes_on_behind_the_lids():
    shown = eyes.eyeball_height(MIDDLE, heights(0.0, 0.5, 1.0))
    lower, _, upper = heights(0.0, 0.5, 1.0)
    assert shown[0] < lower - 0.01 and shown[2] > upper + 0.02
    assert (np.diff(shown) > 0).all()


def test_eyeball_height_is_the_height_outside_the_eye_random(rng):
    s, t = rng.uniform(0.55, 1.2, 20), rng.uniform(-0.9, 0.9, 20)
    np.testing.assert_array_equal(eyes.eyeball_height(s, t), t)
    np.testing.assert_array_equal(eyes.eyeball(s, t), 0.0)


@pytest.mark.parametrize("field", [eyes.eyeball, eyes.eyeball_height, eyes.shadow])
def test_fields_are_symmetric_random(field, rng):
    s, t = rng.uniform(0.2, 0.5, 50), rng.uniform(0.25, 0.35, 50)
    np.testing.assert_allclose(field(-s, t), field(s, t), atol=1e-12)


def test_shadow_is_deepest_below_the_upper_lid():
    bottom, middle, top = eyes.shadow(MIDDLE, heights(0.2, 0.4, 0.95))
    assert top > 0.8 and middle < 0.3 and bottom < top
