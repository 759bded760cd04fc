"""Writes the public names and their signatures to `tests/golden/api_surface.txt`.

python -m tests.api_surface

Run it after an intended change of the public API; the difference of the file then shows in review
what changes for users.
"""

import ast
import dataclasses
import importlib
import inspect
import pathlib
import re

import tf_facerecon

PACKAGE = pathlib.Path(tf_facerecon.__file__).parent
FILE = pathlib.Path(__file__).parent / "golden" / "api_surface.txt"


def namespaces() -> list[str]:
    """Subpackages with a stub."""
    return sorted(stub.parent.name for stub in PACKAGE.glob("*/__init__.pyi"))


def stub_names(package: str) -> dict[str, str | None]:
    """`{name: module}` of the stub of a package, relative to it; `None` for modules."""
    stub = PACKAGE.joinpath(*package.split(".")[1:]) / "__init__.pyi"
    names = {}
    for node in ast.parse(stub.read_text(encoding="utf-8")).body:
        assert isinstance(node, ast.ImportFrom) and node.level == 1, ast.unparse(node)
        for alias in node.names:
            # `from .module import name as name` is what type checkers take for public.
            assert alias.asname == alias.name
            names[alias.name] = node.module
    return names


def is_constant(value: object) -> bool:
    """Whether a public name is a constant: neither a module nor a class or function."""
    return not inspect.ismodule(value) and not callable(value)


def describe() -> str:
    """All public names, their signatures, and the public methods of classes."""
    lines = ["tf_facerecon: " + ", ".join(sorted(tf_facerecon.__all__))]
    for namespace in namespaces():
        package = f"tf_facerecon.{namespace}"
        lines += ["", package]
        for name in sorted(stub_names(package)):
            value = getattr(importlib.import_module(package), name)
            lines += [f"    {line}" for line in _describe(name, value)]
    return "\n".join(lines) + "\n"


def _describe(name: str, value: object) -> list[str]:
    if inspect.ismodule(value):
        functions = [
            _signature(f"{name}.{n}", f)
            for n, f in sorted(vars(value).items())
            if inspect.isfunction(f) and f.__module__ == value.__name__ and n[0] != "_"
        ]
        return [f"module {name}", *(f"    {line}" for line in functions)]
    if is_constant(value):
        return [f"{name} = {value!r}"]
    if not inspect.isclass(value):
        return [_signature(name, value)]
    lines = [f"class {_signature(name, value)}"]
    if dataclasses.is_dataclass(value):
        methods = {n for n in vars(value) if not n.startswith("_")} - {
            field.name for field in dataclasses.fields(value)
        }
    else:
        methods = {n for n in vars(value) if not n.startswith("_")}
    for method in sorted(methods):
        found = inspect.getattr_static(value, method)
        if isinstance(found, property):
            lines.append(f"    {method}: property")
        elif callable(getattr(value, method)):
            lines.append(f"    {_signature(method, getattr(value, method))}")
    return lines


def _signature(name: str, value: object) -> str:
    """Names, kinds and defaults of parameters; annotations are read by the test of types."""
    if inspect.isclass(value) and not issubclass(value, tuple):
        if issubclass(value, BaseException):
            return name
        # Keras defines `__new__` of all layers, which hides the parameters of `__init__`.
        parameters = list(inspect.signature(value.__init__).parameters.values())[1:]
    else:
        parameters = inspect.signature(value).parameters.values()
    plain = [p.replace(annotation=inspect.Parameter.empty) for p in parameters]
    text = str(inspect.Signature(plain))
    # Defaults whose `repr` holds an address, for example functions.
    return name + re.sub(r"<(\w+ )?([\w.]+)[^<>]* at 0x[0-9a-f]+>", r"<\2>", text)


if __name__ == "__main__":
    FILE.write_text(describe(), encoding="utf-8")
