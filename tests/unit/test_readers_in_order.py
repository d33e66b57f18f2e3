"""Parts are worked on at once, a few at a time, and what comes of them comes in order."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from pipelines.readers.account import Problem
from pipelines.readers.in_order import in_order
from pipelines.readers.refusal import RefusedFileError


def refused(line: int) -> RefusedFileError:
    return RefusedFileError(Problem("f", line, None, None, "unknown_format", "x", "y"))


def test_what_comes_of_parts_comes_in_order_and_few_are_ahead() -> None:
    asked: list[int] = []

    def parts() -> Iterator[int]:
        for part in range(20):
            asked.append(part)
            yield part

    for place, outcome in enumerate(in_order(lambda part: part * 2, parts())):
        assert outcome == place * 2
        assert len(asked) <= place + 3


def test_two_parts_are_worked_on_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    both = threading.Barrier(2, timeout=20)
    assert list(in_order(lambda _: both.wait() >= 0, range(4))) == [True] * 4


def test_of_two_refusals_that_of_the_earlier_part_is_raised() -> None:
    later = threading.Event()

    def parts() -> Iterator[int]:
        yield 1
        later.set()
        raise refused(2)

    def slowly(part: int) -> int:
        assert later.wait(20)
        raise refused(part)

    with pytest.raises(RefusedFileError) as caught:
        list(in_order(slowly, parts()))
    assert caught.value.problems[0].line == 1


def test_nothing_comes_of_nothing() -> None:
    assert list(in_order(lambda part: part, iter(()))) == []
