"""Tells whoever is watching which step of a run has begun. Says nothing when nobody listens."""

from __future__ import annotations

from collections.abc import Callable

_listeners: list[Callable[[str], None]] = []


def listen(listener: Callable[[str], None]) -> Callable[[], None]:
    """Call `listener` with the Dutch name of each step as it begins; the result stops listening."""
    _listeners.append(listener)
    return lambda: _listeners.remove(listener)


def begin(step: str) -> None:
    """A step begins."""
    for listener in _listeners:
        listener(step)
