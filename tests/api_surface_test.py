"""The public names: a list that changes only on purpose."""

import inspect

import pytest

import tf_facerecon

PUBLIC = [
    "CNet",
    "CoefficientLayout",
    "FaceDecoder",
    "FaceReconstruction",
    "FaceReconstructor",
    "HybridModel",
    "IdentityAggregation",
    "IdentityNetwork",
    "ImageSetModel",
    "ImageSetReconstruction",
    "ImageSetReconstructor",
    "MeshRenderer",
    "MorphableFace",
    "MorphableModel",
    "PerspectiveCamera",
    "RNet",
    "align_face",
    "build_photo_dataset",
    "build_photo_set_dataset",
    "build_synthetic_dataset",
    "build_synthetic_set_dataset",
    "rasterize",
    "read_obj",
]


def test_public_names_are_these():
    assert tf_facerecon.__all__ == PUBLIC
    assert set(PUBLIC) <= set(dir(tf_facerecon))


@pytest.mark.parametrize("name", PUBLIC)
def test_public_name_is_documented(name):
    value = getattr(tf_facerecon, name)
    assert value.__name__ == name
    assert value.__module__.startswith("tf_facerecon.")
    # A docstring of its own: neither inherited nor made up from the signature by `dataclass`.
    assert value.__doc__ and not value.__doc__.startswith(f"{name}(")
    assert inspect.cleandoc(value.__doc__)[0].isupper()


def test_unknown_name_exception_raised():
    with pytest.raises(AttributeError, match="no attribute 'FaceFinder'"):
        tf_facerecon.FaceFinder  # noqa: B018
