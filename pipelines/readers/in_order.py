"""Working on the parts of a file at once, and taking what comes of them one after the other.

What belongs here: threads. What does not: what is done with a part. Arrow and numpy let other threads work while they
do, so that threads are as good as processes here, and share the memory.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, TypeVar

from pipelines.readers.refusal import RefusedFileError

_WORKERS: Final = 2

Part = TypeVar("Part")
Outcome = TypeVar("Outcome")


def in_order(function: Callable[[Part], Outcome], parts: Iterable[Part]) -> Iterator[Outcome]:
    """`function` of every part, in order, a few parts at a time, so that the others need not be in memory.

    Of what a part, or the coming of a part, is refused for, that of the earliest one is raised.
    """
    coming = iter(parts)
    workers = min(_WORKERS, os.cpu_count() or 1)
    with ThreadPoolExecutor(workers) as pool:
        waiting: deque[Future[Outcome]] = deque()
        while True:
            try:
                part = next(coming)
            except StopIteration:
                break
            except RefusedFileError:
                while waiting:
                    waiting.popleft().result()
                raise
            waiting.append(pool.submit(function, part))
            if len(waiting) > workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
