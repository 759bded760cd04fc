"""Nested settings in YAML: read, overridden, written, and their mistakes in plain words."""

import copy
import difflib
import os
import pathlib
import typing
from collections.abc import Iterable, Mapping
from typing import Any

import pydantic
import pydantic.fields  # Not an attribute of the package until it is imported.
import yaml

from tf_facerecon.io import atomic_files, text_files

_Schema = typing.TypeVar("_Schema", bound=pydantic.BaseModel)


class Section(pydantic.BaseModel):
    """Settings that refuse unknown keys and, once read, changes."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @pydantic.model_validator(mode="before")
    @classmethod
    def _true_is_no_number(cls, values):
        # YAML reads `yes` and `on` as true, which pydantic would take for 1.
        for name, value in values.items() if isinstance(values, Mapping) else ():
            field = cls.model_fields.get(name)
            if field is None or field.annotation is bool:
                continue
            for item in value if isinstance(value, list | tuple) else (value,):
                if isinstance(item, bool):
                    raise ValueError(f"`{name}` cannot be {str(item).lower()}")
        return values


def load_settings(
    path: str | os.PathLike, overrides: Iterable[str], schema: type[_Schema]
) -> _Schema:
    """Reads a YAML file and checks it against `schema`.

    Args:
        path: The file; its top-level keys are the sections of `schema`.
        overrides: `section.key=value` texts that win over the file; values are YAML.
        schema: Class of the settings.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is no YAML mapping, or a key or value is refused; the message names
            every problem.
    """
    settings = apply_overrides(read_yaml(path), overrides)
    try:
        return schema.model_validate(settings)
    except pydantic.ValidationError as error:
        raise ValueError(explain(error, schema, str(pathlib.Path(path)))) from error


class _UniqueKeyLoader(yaml.SafeLoader):
    """Refuses a key that stands twice, of which YAML would silently keep the last."""

    def construct_mapping(self, node, deep=False):
        seen = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key.value!r} stands there twice", key.start_mark
                )
            seen.add(str(key.value))
        return super().construct_mapping(node, deep)


def read_yaml(path: str | os.PathLike) -> dict[str, Any]:
    """The mapping in a YAML file; an empty file is an empty mapping.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is no YAML, or no mapping.
    """
    path = pathlib.Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no configuration file {str(path)!r}.")
    try:
        settings = yaml.load(text_files.read_text(path), _UniqueKeyLoader)  # A safe one.
    except (yaml.YAMLError, ValueError) as error:
        raise ValueError(f"{path} is not a YAML file: {error}") from error
    if settings is None:
        return {}
    if not isinstance(settings, dict):
        raise ValueError(f"{path} must be a YAML mapping. Received: {type(settings).__name__}.")
    return settings


def write_yaml(path: str | os.PathLike, settings: Mapping[str, Any]) -> None:
    """Writes `settings` as YAML, in their own order."""
    atomic_files.write_text(path, yaml.safe_dump(dict(settings), sort_keys=False))


def apply_overrides(settings: Mapping[str, Any], overrides: Iterable[str]) -> dict[str, Any]:
    """A copy of `settings` with each `section.key=value` of `overrides` put in; values are YAML.

    Raises:
        ValueError: If an override has no `=`, an empty key, a value that is no YAML, or reaches
            into a setting that is not a section.
    """
    settings = copy.deepcopy(dict(settings))
    for override in overrides:
        key, equals, text = override.partition("=")
        names = key.strip().split(".")
        if not equals or not all(names):
            raise ValueError(f"Expected `section.key=value`. Received: {override!r}.")
        try:
            value = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise ValueError(f"The value in {override!r} is not YAML: {error}") from error
        section = settings
        for name in names[:-1]:
            if section.get(name) is None:
                section[name] = {}
            section = section[name]
            if not isinstance(section, dict):
                raise ValueError(f"In {override!r}, {name!r} is a value and not a section.")
        section[names[-1]] = value
    return settings


def flatten(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings as `{"section.key": value}`."""
    flat = {}
    for key, value in settings.items():
        if isinstance(value, Mapping):
            flat.update(flatten(value, f"{prefix}{key}."))
        else:
            flat[prefix + key] = value
    return flat


def explain(error: pydantic.ValidationError, schema: type[pydantic.BaseModel], source: str) -> str:
    """One line per problem in `error`, naming `source` and the key as a user writes it."""
    lines = [_explain_one(problem, schema) for problem in error.errors()]
    return "\n  ".join([f"{source} is not a valid configuration:", *lines])


def _explain_one(problem: Mapping[str, Any], schema: type[pydantic.BaseModel]) -> str:
    names, section = _walk(problem["loc"], schema)
    key = ".".join(names)
    if problem["type"] == "extra_forbidden":
        known = list(section.model_fields)
        nearest = difflib.get_close_matches(names[-1], known, n=1, cutoff=0.5)
        hint = f"did you mean `{'.'.join([*names[:-1], nearest[0]])}`?" if nearest else ""
        return f"`{key}`: unknown key; {hint or 'expected one of ' + ', '.join(known)}"
    if problem["type"] == "missing":
        return f"`{key}`: required, but not given"
    if problem["type"] == "union_tag_invalid":
        context = problem["ctx"]
        key, expected = f"{key}.{context['discriminator'].strip(chr(39))}", context["expected_tags"]
        return f"`{key}`: must be one of {expected}. Received: {context['tag']!r}"
    message = problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "value_error":
        return f"`{key}`: {message}" if key else message
    return f"`{key}`: {message[0].lower()}{message[1:]}. Received: {problem['input']!r}"


def _walk(
    location: tuple[int | str, ...], schema: type[pydantic.BaseModel]
) -> tuple[list[str], type[pydantic.BaseModel]]:
    """Keys as a user writes them, and the section in which the last of them stands or should.

    pydantic puts the tag of a tagged union (`data.procedural.folder`) among the keys; a user does
    not write it.
    """
    names, section, alternatives = [], schema, {}
    for part in map(str, location):
        if part in alternatives:
            section, alternatives = alternatives[part], {}
            continue
        names.append(part)
        field = section.model_fields.get(part)
        alternatives = _tagged(field) if field is not None else {}
        if field is not None and _is_section(field.annotation) and part != location[-1]:
            section = field.annotation
    return names, section


def _is_section(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, pydantic.BaseModel)


def _tagged(field: pydantic.fields.FieldInfo) -> dict[str, type[pydantic.BaseModel]]:
    """The sections of a tagged union by their tag; empty for any other field."""
    if field.discriminator is None:
        return {}
    by_tag = {}
    for option in typing.get_args(field.annotation):
        for tag in typing.get_args(option.model_fields[field.discriminator].annotation):
            by_tag[tag] = option
    return by_tag
