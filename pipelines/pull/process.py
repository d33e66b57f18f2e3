"""What a process that does nothing but pull a table can leave out.

What belongs here: settings of the whole process, for the command line only. What does not: anything that a pull
within another process would need.
"""

from __future__ import annotations

import ctypes
import gc
import os
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Final

# Of <malloc.h>: how much free memory at the end of the heap goes back by itself, from which size on memory is mapped,
# and how many heaps there are.
_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3
_M_ARENA_MAX: Final = -8
_KEPT_BYTES: Final = 32 * 1024 * 1024


class _WithoutPandas(MetaPathFinder):
    """Lets pyarrow find that there is no pandas.

    It looks for pandas as soon as it is given a list, only to see whether that is a Series, and importing pandas takes
    longer than pulling a small table.
    """

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname == "pandas":
            raise ModuleNotFoundError("pandas is not used here", name=fullname)
        return None


def make_lean() -> None:
    """Call this before pyarrow and numpy are imported; the process is no good for anything else afterwards."""
    if "pandas" not in sys.modules:
        sys.meta_path.insert(0, _WithoutPandas())
    # Threads for matrices, of which there are none here.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    _keep_freed_memory()
    # What modules are made of is no garbage, and looking for some among it takes a while.
    gc.disable()


def settle() -> None:
    """Call this when everything is imported."""
    gc.freeze()
    gc.enable()


def tidy_memory() -> None:
    """Give back what is free: gaps between what is in use would otherwise add up over a long table."""
    if (libc := _glibc()) is not None:
        libc.malloc_trim(0)


def _keep_freed_memory() -> None:
    """One page needs as much memory as the one before it: none of it need go back to the system in between."""
    if (libc := _glibc()) is None:
        return
    # Arrow has an allocator of its own, which gives memory back sooner.
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    libc.mallopt(_M_MMAP_THRESHOLD, _KEPT_BYTES)
    libc.mallopt(_M_TRIM_THRESHOLD, 4 * _KEPT_BYTES)
    # What one thread frees, another may use.
    libc.mallopt(_M_ARENA_MAX, 1)


def _glibc() -> ctypes.CDLL | None:
    """The C library, where it is the one that has these options."""
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)
    return libc if hasattr(libc, "mallopt") and hasattr(libc, "malloc_trim") else None
