"""Holds data against a model, and words what is wrong with it as place, found and expected.

What belongs here: the messages for a declaration that is wrong by itself. What does not: declarations that
contradict each other (`checks`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Any, Literal, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError

from pipelines.declarations.marked_yaml import MarkedFile

Model = TypeVar("Model", bound=BaseModel)

_Path = tuple[str | int, ...]

# Pydantic's own kinds of error; the braces are filled from its context.
_EXPECTED = {
    "string_type": "text (in quotes, where YAML reads a number or a date)",
    "string_pattern_mismatch": "text of the form {pattern}",
    "string_too_short": "text that is not empty",
    "literal_error": "one of {expected}",
    "union_tag_invalid": "one of {expected_tags}",
    "union_tag_not_found": "a key 'kind' that says which of the forms it is",
    "too_short": "at least one entry",
    "model_type": "a mapping of keys to values",
    "tuple_type": "a list",
}


def validated(model: type[Model], file: MarkedFile, path: _Path, data: Any, problems: list[str]) -> Model | None:
    """`data`, which stands at `path` in `file`, as a `model`; None, and more `problems`, when it is none."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        problems.extend(_worded(model, file, path, dict(item)) for item in error.errors(include_url=False))
        return None


def name_of(path: Sequence[str | int]) -> str:
    """What a message calls the value at `path`: the last key on the way; the place says which entry."""
    return next((step for step in reversed(path) if isinstance(step, str)), "")


def _worded(model: type[BaseModel], file: MarkedFile, path: _Path, error: dict[str, Any]) -> str:
    where: _Path = tuple(error["loc"])
    kind, context, given = str(error["type"]), error.get("ctx", {}), error.get("input")
    if kind == "union_tag_invalid":
        where, given = (*where, "kind"), context["tag"]
    name = name_of(where)
    place = file.place(path + where, key=kind == "extra_forbidden")
    shown = f" ({name})" if name else ""
    if kind == "extra_forbidden":
        known = ", ".join(_known_keys(model, where[:-1]))
        return f"{place}{shown}: found an unknown key {where[-1]!r}, expected one of {known}"
    if kind == "missing":
        return f"{place}{shown}: found no key {where[-1]!r}, expected it here"
    if kind == "value_error":
        message = str(context.get("error", error["msg"]))
        found = message if message.startswith("found ") else f"found {_show(given)}, expected {message}"
        return f"{place}{shown}: {found}"
    return f"{place}{shown}: found {_show(given)}, expected {_expected(kind, context, error['msg'])}"


def _expected(kind: str, context: dict[str, Any], message: str) -> str:
    worded = _EXPECTED.get(kind)
    if worded is None:
        return message.removeprefix("Input should be ")
    return worded.format(**context)


def _show(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list" if value else "an empty list"
    if isinstance(value, dt.date):
        return f"the date {value}"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _known_keys(model: type[BaseModel], path: Sequence[str | int]) -> list[str]:
    """The keys that the model at `path` below `model` knows, to show beside the one that it does not."""
    models = [model]
    for step in path:
        if isinstance(step, int):
            continue
        fields = [found.model_fields[step].annotation for found in models if step in found.model_fields]
        if fields:
            models = [found for annotation in fields for found in _models_in(annotation)]
        else:
            models = [found for found in models if step in _tags(found)] or models
    return sorted({key for found in models for key in found.model_fields})


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif get_origin(annotation) is not Literal:
        for part in get_args(annotation):
            yield from _models_in(part)


def _tags(model: type[BaseModel]) -> tuple[Any, ...]:
    field = model.model_fields.get("kind")
    return get_args(field.annotation) if field is not None else ()
