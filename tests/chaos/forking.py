"""Doing work in a forked child of this process, to its end or until it is killed.

What belongs here: forking, killing, and knowing whether a kill fell inside the work. What does not: what the work is,
and what must hold afterwards. The parent imports what the work needs and starts none of it: a child that is forked
from a process whose database or whose server runs would inherit locks that nobody releases.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import pipelines

_PRODUCT = str(Path(pipelines.__file__).parent)
_BEGUN, _DONE = b"b", b"d"

# What changes something on the disk or reaches another process. DuckDB and SQLite write without Python knowing of it.
_ALWAYS = frozenset({"socket.connect"})
_OPENS = frozenset({"open", "sqlite3.connect"})
_CHANGES = frozenset(
    {"os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.symlink", "os.link", "os.truncate", "os.chmod"}
)


class ChildFailed(Exception):  # noqa: N818 - the name says what happened
    """A child raised; the text is its traceback."""


@dataclass(frozen=True)
class Moment:
    """When a child dies: after `seconds`, before its `event`th change on the disk, or before the `nth` time that it
    comes to the `line` of this program."""

    seconds: float | None = None
    event: int | None = None
    line: str | None = None
    nth: int = 1


@dataclass(frozen=True)
class Measured:
    """How long a piece of work takes undisturbed, in seconds, events, and times that each line is reached."""

    seconds: float
    events: int
    lines: dict[str, int] = field(default_factory=dict)


def in_child(work: Callable[[], Any]) -> Any:
    """What `work` returns, done in a child. Raises ChildFailed with the child's traceback."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        _end(_hand_over, work, writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        told = pipe.read()
    _, status = os.waitpid(pid, 0)
    if not told:
        raise ChildFailed(f"the child ended with status {status} and said nothing")
    result, error = pickle.loads(told)  # noqa: S301 - written by our own child
    if error is not None:
        raise ChildFailed(error)
    return result


def measure(work: Callable[[], Any], folder: Path) -> Measured:
    """Do `work` in a child, and say what it took; events are counted under `folder`."""

    def watched() -> Measured:
        lines: Counter[str] = Counter()
        count = [0]

        def note_event() -> None:
            count[0] += 1

        on_events(folder, note_event)
        _on_lines(lines.update)
        started = time.monotonic()
        work()
        seconds = time.monotonic() - started
        sys.settrace(None)
        return Measured(seconds, count[0], dict(lines))

    measured: Measured = in_child(watched)
    return measured


def killed(work: Callable[[], Any], folder: Path, moment: Moment) -> bool:
    """Do `work` in a child that is killed at `moment`; whether it was still at work then.

    Raises ChildFailed where the child failed before that.
    """
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        _end(_until_killed, work, folder, moment, writing)
    os.close(writing)
    with os.fdopen(reading, "rb", buffering=0) as pipe:
        told = pipe.read(1)
        if moment.seconds is not None:
            time.sleep(moment.seconds)
            os.killpg(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        told += pipe.read()
    if os.WIFEXITED(status) and os.WEXITSTATUS(status) != 0:
        raise ChildFailed(f"the child that was to be killed at {moment} failed by itself; see above")
    return os.WIFSIGNALED(status) and told == _BEGUN


def _hand_over(work: Callable[[], Any], writing: int) -> None:
    told: tuple[Any, str | None]
    try:
        told = (work(), None)
    except BaseException:
        told = (None, traceback.format_exc())
    with os.fdopen(writing, "wb") as pipe:
        pickle.dump(told, pipe)


def _until_killed(work: Callable[[], Any], folder: Path, moment: Moment, writing: int) -> None:
    # What it starts itself dies with it.
    os.setsid()
    if moment.event is not None:
        on_events(folder, _countdown(moment.event))
    os.write(writing, _BEGUN)
    if moment.line is not None:
        die = _countdown(moment.nth)

        def watch(lines: list[str]) -> None:
            if lines[0] == moment.line:
                die()

        _on_lines(watch)
    work()
    sys.settrace(None)
    os.write(writing, _DONE)


def _countdown(times: int) -> Callable[[], None]:
    left = [times]

    def die() -> None:
        left[0] -= 1
        if left[0] == 0:
            os.killpg(0, signal.SIGKILL)

    return die


def on_events(folder: Path, call: Callable[[], None]) -> None:
    """Call before everything that Python is about to change under `folder`, for as long as this process lives."""
    prefix = str(folder)

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event in _ALWAYS or ((event in _OPENS or event in _CHANGES) and _place(arguments).startswith(prefix)):
            call()

    sys.addaudithook(hook)


def _place(arguments: tuple[Any, ...]) -> str:
    """Where a change is made; what is removed as part of a tree is named by an open folder and its own name."""
    name, folder = str(arguments[0]), arguments[-1]
    if name.startswith("/") or not isinstance(folder, int) or folder < 0:
        return name
    with contextlib.suppress(OSError):
        return str(Path(f"/proc/self/fd/{folder}").readlink() / name)
    return name


def _on_lines(call: Callable[[list[str]], None]) -> None:
    """Call with every line of this program that is about to be run in this thread."""

    def in_frame(frame: FrameType, event: str, _: Any) -> Any:
        if event == "line":
            call([f"{frame.f_code.co_filename[len(_PRODUCT) + 1 :]}:{frame.f_lineno}"])
        return in_frame

    def in_product(frame: FrameType, event: str, _: Any) -> Any:
        return in_frame if frame.f_code.co_filename.startswith(_PRODUCT) else None

    sys.settrace(in_product)


def _end(body: Callable[..., None], *arguments: Any) -> None:
    """Run the child's body and leave, without anything that the parent would do at its end."""
    code = 1
    try:
        body(*arguments)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            sys.stderr.flush()
        os._exit(code)
