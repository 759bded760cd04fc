"""The public names: what the stubs list, and what is found at run time."""

import ast
import importlib
import inspect
import itertools
import pathlib

import pytest

import tf_facerecon
from tests import api_surface
from tests.api_surface import stub_names

PACKAGE = pathlib.Path(tf_facerecon.__file__).parent
NAMESPACES = [
    "datasets",
    "evaluation",
    "export",
    "geometry",
    "inference",
    "io",
    "layers",
    "lighting",
    "losses",
    "metrics",
    "models",
    "morphable_models",
    "photos",
    "rendering",
    "training",
    "visualization",
]
# The names that are used most; each is also in the namespace of its module.
TOP_LEVEL = [
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
    "PerspectiveProjection",
    "PoseTransform",
    "RNet",
    "SphericalHarmonicsIllumination",
    "align_face",
    "build_photo_dataset",
    "build_photo_set_dataset",
    "build_synthetic_dataset",
    "build_synthetic_set_dataset",
    "rasterize",
    "read_obj",
]


PUBLIC = [
    (package, name)
    for package in ("tf_facerecon", *(f"tf_facerecon.{name}" for name in NAMESPACES))
    for name in stub_names(package)
]


def test_top_level_names_are_these():
    assert tf_facerecon.__all__ == sorted(NAMESPACES + TOP_LEVEL)
    assert set(tf_facerecon.__all__) <= set(dir(tf_facerecon))


def test_every_package_with_a_stub_is_a_namespace():
    assert api_surface.namespaces() == NAMESPACES


@pytest.mark.parametrize("name", TOP_LEVEL)
def test_top_level_name_is_in_its_namespace(name):
    namespace, module = stub_names("tf_facerecon")[name].split(".")
    assert stub_names(f"tf_facerecon.{namespace}")[name] == module


@pytest.mark.parametrize(("package", "name"), PUBLIC, ids=".".join)
def test_public_name_is_documented(package, name):
    value = getattr(importlib.import_module(package), name)
    if api_surface.is_constant(value):
        assert_constant_is_documented(f"{package}.{stub_names(package)[name]}", name)
        return
    if inspect.ismodule(value):
        assert value.__name__ == f"{package}.{name}"
    else:
        assert value.__name__ == name
        assert value.__module__ == f"{package}.{stub_names(package)[name]}"
    # A docstring of its own: neither inherited nor made up from the signature by `dataclass`.
    assert value.__doc__ and not value.__doc__.startswith(f"{name}(")
    assert not inspect.cleandoc(value.__doc__)[0].islower()


def assert_constant_is_documented(module, name):
    """A string follows the assignment of `name`, which editors show as its documentation."""
    source = pathlib.Path(importlib.import_module(module).__file__).read_text(encoding="utf-8")
    for assignment, after in itertools.pairwise(ast.parse(source).body):
        target = getattr(assignment, "target", None) or getattr(assignment, "targets", [None])[0]
        if isinstance(target, ast.Name) and target.id == name:
            assert isinstance(after, ast.Expr) and isinstance(after.value.value, str)
            assert name.isupper()
            return
    raise AssertionError(f"{module} does not assign {name}.")


@pytest.mark.parametrize("name", ["DEFAULT_LOSS_WEIGHTS", "PAPER_LOSS_WEIGHTS"])
def test_loss_weights_are_public(name):
    assert ("tf_facerecon.losses", name) in PUBLIC


@pytest.mark.parametrize("namespace", NAMESPACES)
def test_public_name_hides_no_module(namespace):
    """`from tf_facerecon.losses import landmark` gives the module: no name may equal one."""
    package = f"tf_facerecon.{namespace}"
    modules = {path.stem for path in (PACKAGE / namespace).glob("*.py")}
    names = stub_names(package)
    assert not {name for name, module in names.items() if module} & modules


def test_unknown_name_exception_raised():
    with pytest.raises(AttributeError, match="FaceFinder"):
        tf_facerecon.FaceFinder  # noqa: B018


def test_signatures_are_these():
    """After an intended change: `python -m tests.api_surface` writes the file."""
    recorded = api_surface.FILE.read_text(encoding="utf-8")
    assert api_surface.describe().splitlines() == recorded.splitlines()
