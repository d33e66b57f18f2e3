"""What a star stands for in a declaration.

What belongs here: matching declared patterns against ids and items. What does not: what may be declared.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from pipelines.declarations.source import Source


def matches(pattern: str, texts: Iterable[str]) -> list[str]:
    """The texts that a declared pattern stands for: a star for any text, everything else for itself."""
    form = re.compile(".*".join(re.escape(part) for part in pattern.split("*")), re.DOTALL)
    return [text for text in texts if form.fullmatch(text)]


def matching(patterns: Iterable[str], texts: Sequence[str]) -> list[str]:
    """The texts that any of the patterns stands for, each once."""
    return list(dict.fromkeys(text for pattern in patterns for text in matches(pattern, texts)))


def items_of(source: Source, patterns: Iterable[str]) -> list[str]:
    """The items that patterns stand for, of the source's series and of what it expects by name."""
    by_name = [item for wanted in source.expected for item in wanted.items if "*" not in item]
    return matching(patterns, [*dict.fromkeys([*(series.item for series in source.series), *by_name])])


def like_pattern(item: str) -> str:
    """The item as a pattern of SQL's `like ... escape '!'`; a star stands for any text."""
    plain = item.replace("!", "!!").replace("%", "!%").replace("_", "!_")
    return plain.replace("*", "%")
