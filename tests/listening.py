"""What the processes of one session listen on, as Linux tells it."""

from __future__ import annotations

import contextlib
import ipaddress
import os
from pathlib import Path

_LISTENING = "0A"


def addresses_of_session_behind(port: int) -> set[str]:
    """The addresses (`127.0.0.1:3000`) of all that was started together with whoever listens on `port`."""
    sockets = _listening()
    holders = {
        pid: {sockets[inode] for inode in _sockets_of(pid) if inode in sockets}
        for pid in (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    }
    (session,) = {
        _session_of(pid) for pid, held in holders.items() if any(address.endswith(f":{port}") for address in held)
    }
    return {address for pid, held in holders.items() if _session_of(pid) == session for address in held}


def _listening() -> dict[str, str]:
    """Address by the inode of its socket."""
    found = {}
    for table in ("tcp", "tcp6"):
        with contextlib.suppress(FileNotFoundError):
            for line in Path("/proc/net", table).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == _LISTENING:
                    host, _, port = fields[1].partition(":")
                    found[fields[9]] = f"{_host(host)}:{int(port, 16)}"
    return found


def _host(text: str) -> str:
    """An address as the kernel writes it: words of four bytes, each in the order of the machine."""
    words = [bytes.fromhex(text[at : at + 8])[::-1] for at in range(0, len(text), 8)]
    return str(ipaddress.ip_address(b"".join(words)))


def _sockets_of(pid: int) -> set[str]:
    held = set()
    # Processes come and go, and those of others are closed.
    with contextlib.suppress(OSError):
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                kind, _, inode = str(entry.readlink()).partition(":[")
                if kind == "socket":
                    held.add(inode.rstrip("]"))
    return held


def _session_of(pid: int) -> int | None:
    with contextlib.suppress(OSError):
        return os.getsid(pid)
    return None
