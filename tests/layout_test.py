"""The structure of the package: imports go down, no cycles, nothing heavy at import."""

import ast
import pathlib
import re
import subprocess
import sys

import pytest

PACKAGE = pathlib.Path(__file__).resolve().parents[1] / "tf_facerecon"
LAYERS = """core | geometry lighting io | morphable_models rendering photos |
    layers losses metrics results | models datasets | evaluation visualization | export |
    training inference | cli"""
LAYER = {package: n for n, row in enumerate(LAYERS.split("|")) for package in row.split()}
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if not path.name.startswith("__"))
TESTS = PACKAGE.parent / "tests"
LAZY = {
    "tensorflow_graphics",
    "mtcnn",
    "keras_facenet",
    "cv2",
    "trimesh",
    "sklearn",
    "skimage",
    "torch",
    "dlib",
}


def imported_names(path, *, top_level_only=False):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in tree.body if top_level_only else ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def own_imports(path):
    return {name for name in imported_names(path) if name.split(".")[0] == "tf_facerecon"}


def module_name(path):
    return ".".join(("tf_facerecon", *path.relative_to(PACKAGE).with_suffix("").parts))


def docstring(path):
    return ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""


def package_of(path):
    return path.relative_to(PACKAGE).parts[0]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_down(path):
    for name in own_imports(path):
        package = name.split(".")[1]
        assert package in LAYER, f"{name}: import modules by their full path, not from a package"
        assert package == package_of(path) or LAYER[package] < LAYER[package_of(path)], name


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_nothing_heavy_at_import(path):
    heavy = {name.split(".")[0] for name in imported_names(path, top_level_only=True)} & LAZY
    assert not heavy, f"{heavy} must be imported in the function that needs it"


def test_no_cycles_between_modules():
    names = {module_name(path) for path in MODULES}
    edges = {
        module_name(path): {
            target
            for name in own_imports(path)
            for target in (name, name.rpartition(".")[0])
            if target in names
        }
        for path in MODULES
    }
    remaining = dict(edges)
    while remaining:
        free = [name for name, needs in remaining.items() if not needs & remaining.keys()]
        assert free, f"these modules import each other in a cycle: {sorted(remaining)}"
        for name in free:
            del remaining[name]


LAZY_STUB = """import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
"""


def test_package_init_files_hold_the_lazy_stub_only():
    """The names of a package are in its `__init__.pyi`; a package without one is internal."""
    for path in PACKAGE.rglob("__init__.py"):
        text = path.read_text(encoding="utf-8")
        if path.parent == PACKAGE:
            continue
        if path.with_suffix(".pyi").exists():
            assert re.fullmatch(r'""".+\."""\n\n' + re.escape(LAZY_STUB), text), path
        else:
            assert not text.strip(), path


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_every_module_has_a_test(path):
    """In the mirrored folder; a file may serve several modules that it imports or names."""
    folder = TESTS / path.relative_to(PACKAGE).parent
    own = folder / f"{path.stem}_test.py"
    assert own.is_file() or any(
        f"{name}.".startswith(f"{module_name(path)}.") or f"`{path.stem}`" in docstring(test)
        for test in folder.glob("*_test.py")
        for name in imported_names(test)
    ), f"no test in {folder.relative_to(TESTS.parent)} imports or names `{path.stem}`"


def test_package_import_is_light():
    code = (
        "import sys, tf_facerecon; "
        f"print([name for name in {sorted(LAZY | {'tensorflow'})!r} if name in sys.modules])"
    )
    printed = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout
    assert printed.strip().endswith("[]"), printed
