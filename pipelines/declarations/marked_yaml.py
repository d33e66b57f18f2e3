"""YAML that remembers where everything stood, so that a message can name file, line and column.

What belongs here: reading one file strictly (a key given twice is an error), and finding the place of a value
in it. What does not: what the file should hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from yaml import SafeLoader as _Base
else:
    # The C parser is about ten times as fast; a PyYAML without it reads the same.
    _Base = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class DeclarationError(Exception):
    """Declarations that cannot be used: `problems` holds a line for each, with place, found and expected."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


@dataclass(frozen=True)
class MarkedFile:
    """One file: its contents as plain Python data, and the nodes that know where each part stood."""

    label: str
    data: Any
    root: yaml.Node | None

    def place(self, path: Sequence[str | int], key: bool = False) -> str:
        """`file:line:column` (1-based) of the value at `path`, or of its key.

        A step that the file does not have (a key that is missing, a name that only the model knows) leaves
        the place at what is around it.
        """
        node, mark = self.root, self.root.start_mark if self.root else None
        for step in path:
            found = _step(node, step)
            if found is not None:
                of_key, node = found
                mark = (of_key if key else node).start_mark
        return self.label if mark is None else f"{self.label}:{mark.line + 1}:{mark.column + 1}"


def _step(node: yaml.Node | None, step: str | int) -> tuple[yaml.Node, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        return next(((key, value) for key, value in node.value if key.value == str(step)), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step], node.value[step]
    return None


class _Loader(_Base):
    """Safe YAML, in which a key given twice and a date that does not exist are errors with a place."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"key {key.value!r} a second time, expected every key once", key.start_mark
                )
            seen.add(key.value if isinstance(key, yaml.ScalarNode) else "")
        return super().construct_mapping(node, deep)

    def date_or_error(self, node: yaml.ScalarNode) -> Any:
        try:
            return self.construct_yaml_timestamp(node)
        except ValueError:
            raise yaml.constructor.ConstructorError(
                None, None, f"{node.value!r}, expected a date that exists (yyyy-mm-dd)", node.start_mark
            ) from None


_Loader.add_constructor("tag:yaml.org,2002:timestamp", _Loader.date_or_error)


def read_marked(text: bytes, label: str) -> MarkedFile:
    """The contents of one YAML file in UTF-8; `label` is what messages call it. An empty file holds None.

    Raises DeclarationError with the place for what is not UTF-8 or not valid YAML.
    """
    try:
        decoded = text.decode("utf-8")
    except UnicodeDecodeError as error:
        line = text.count(b"\n", 0, error.start) + 1
        column = error.start - (text.rfind(b"\n", 0, error.start) + 1) + 1
        found = f"byte 0x{text[error.start]:02x}"
        raise DeclarationError([f"{label}:{line}:{column}: found {found}, expected UTF-8"]) from None
    loader = _Loader(decoded)
    try:
        root = loader.get_single_node()
        data = None if root is None else loader.construct_document(root)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{label}:{mark.line + 1}:{mark.column + 1}" if mark else label
        problem = (error.problem or error.context or "something else").removeprefix("found ")
        expected = "" if ", expected " in problem else ", expected valid YAML"
        raise DeclarationError([f"{place}: found {problem}{expected}"]) from None
    except yaml.YAMLError as error:
        raise DeclarationError([f"{label}: found {error}, expected valid YAML"]) from None
    finally:
        loader.dispose()
    return MarkedFile(label, data, root)


def read_file(path: Path, label: str) -> tuple[bytes, MarkedFile]:
    """The bytes of a file and its contents. Errors as `read_marked`."""
    raw = path.read_bytes()
    return raw, read_marked(raw, label)
