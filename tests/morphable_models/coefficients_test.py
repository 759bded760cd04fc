import numpy as np
import pytest
import tensorflow as tf

from tf_facerecon.morphable_models.coefficients import GROUPS, CoefficientLayout


def test_total_preset():
    assert CoefficientLayout().total == 257
    assert CoefficientLayout(lighting=9).total == 239


def test_slices_preset():
    where = CoefficientLayout().slices
    bounds = {name: (part.start, part.stop) for name, part in where.items()}
    assert bounds == {
        "identity": (0, 80),
        "expression": (80, 144),
        "texture": (144, 224),
        "rotation": (224, 227),
        "lighting": (227, 254),
        "translation": (254, 257),
    }


@pytest.mark.parametrize("lighting", [9, 27])
@pytest.mark.parametrize("convert", [np.asarray, tf.constant])
def test_split_merge_random(rng, lighting, convert):
    layout = CoefficientLayout(lighting=lighting)
    vector = convert(rng.standard_normal((2, 3, layout.total)))
    groups = layout.split(vector)
    assert tuple(groups) == GROUPS
    np.testing.assert_array_equal(layout.merge(groups), vector)


def test_split_exception_raised():
    with pytest.raises(ValueError, match=r"`coefficients` must have 257 .*\(2, 258\)"):
        CoefficientLayout().split(np.zeros((2, 258)))


def test_merge_exception_raised():
    groups = CoefficientLayout().split(np.zeros((1, 257)))
    with pytest.raises(ValueError, match="`groups` must name exactly"):
        CoefficientLayout().merge({**groups, "gamma": groups["lighting"]})
    with pytest.raises(ValueError, match="`texture` must be 80 wide"):
        CoefficientLayout().merge({**groups, "texture": np.zeros((1, 79))})


@pytest.mark.parametrize(
    "sizes", [{"identity": 0}, {"lighting": 10}, {"rotation": 4}, {"translation": 1}]
)
def test_layout_exception_raised(sizes):
    with pytest.raises(ValueError, match=next(iter(sizes))):
        CoefficientLayout(**sizes)
