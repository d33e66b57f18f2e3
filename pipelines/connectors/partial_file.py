"""A file that comes in over HTTP in as many parts as it takes, and is not there before it is whole.

What belongs here: which bytes are there already, what to ask for next, and when all of them have come. What does not:
the requests (`http`), and what the file holds (`cbs_bulk`).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Protocol

_OK, _PARTIAL, _NOT_SATISFIABLE = 200, 206, 416
_PART = re.compile(r"bytes\s+([0-9]+)-([0-9]+)/([0-9]+|\*)", re.IGNORECASE)


class _Headers(Protocol):
    def get(self, name: str, /) -> str | None:
        """The header, whatever its letters; None where it was not sent."""


class PartialFile:
    """The bytes so far of one download. `path` comes into being when the last of them is there.

    A part is only put behind what is there when the publisher says that it is of the same file: by a strong ETag, or
    by the time of its last change. Where it says neither, every break means beginning anew.
    """

    def __init__(self, path: Path, largest: int) -> None:
        self.path = path
        self.size = 0
        self._part = path.with_name(f".{path.name}.part")
        self._largest = largest
        self._validator: str | None = None
        self._whole: int | None = None

    def request_headers(self) -> dict[str, str]:
        """What to ask with: for the rest of the file, where the rest can be told from another file's."""
        # Compressed on the way, a file would have two lengths.
        plain = {"Accept": "*/*", "Accept-Encoding": "identity"}
        if not self.size or self._validator is None:
            return plain
        return plain | {"Range": f"bytes={self.size}-", "If-Range": self._validator}

    def was_refused(self, status: int) -> bool:
        """Whether the rest that was asked for does not exist; the next try then begins anew."""
        if status == _NOT_SATISFIABLE and self.size:
            self._begin_anew()
            return True
        return False

    def begin(self, status: int, headers: _Headers) -> str | None:
        """Make ready for the bytes of an answer; what is wrong with it, None if nothing."""
        if coding := headers.get("content-encoding"):
            return f"the file came in the coding {coding}, which was not asked for"
        if status == _PARTIAL:
            found = _PART.fullmatch((headers.get("content-range") or "").strip())
            if found is None or int(found[1]) != self.size:
                self._begin_anew()
                return f"found a part {headers.get('content-range')!r}, expected the rest from byte {self.size}"
            self._whole = int(found[3]) if found[3] != "*" else None
            return None
        self._begin_anew()
        length = headers.get("content-length") or ""
        self._whole = int(length) if length.isdecimal() else None
        etag, changed = headers.get("etag") or "", headers.get("last-modified")
        self._validator = etag if etag.startswith('"') else changed
        return None

    def write(self, chunk: bytes) -> str | None:
        """Add bytes; what is wrong with them, None if nothing."""
        if self.size + len(chunk) > self._largest:
            return f"the file is larger than {self._largest} bytes"
        with self._part.open("ab") as file:
            file.write(chunk)
        self.size += len(chunk)
        return None

    def finish(self) -> str | None:
        """Let the file appear, now that the answer has ended; what is missing of it, None if nothing."""
        if self._whole is not None and self.size != self._whole:
            found, whole = self.size, self._whole
            if found > whole:
                self._begin_anew()
            return f"found {found} bytes of the file, expected {whole}"
        self._part.touch()
        self._part.replace(self.path)
        return None

    def _begin_anew(self) -> None:
        self._part.unlink(missing_ok=True)
        self.size, self._validator, self._whole = 0, None, None
