"""The same step for many panels, on more than one core.

What belongs here: handing out the work. The steps are pure and keep their order, so that the number of threads changes
nothing in the result.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

_MOST_THREADS = 4

Item = TypeVar("Item")
Answer = TypeVar("Answer")


def side_by_side(step: Callable[[Item], Answer], items: Iterable[Item]) -> list[Answer]:
    """`step` of each item, in order."""
    work = list(items)
    threads = min(os.cpu_count() or 1, _MOST_THREADS, len(work))
    if threads < 2:
        return [step(item) for item in work]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(step, work))
