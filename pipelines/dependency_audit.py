"""Holds what is installed against `requirements.lock`: `make audit`.

What belongs here: that every package is pinned with a hash and installed as pinned, and that its licence goes with that
of this project. What does not: installing (pip compares the hashes, `--require-hashes`), and what this project declares
(`pyproject.toml`).

Known vulnerabilities stand with a service outside (OSV), which closed networks cannot reach and which may say another
thing every day. It is asked only when its address is given; that it was not asked, or did not answer, is always said.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Final

from packaging.markers import Marker
from packaging.utils import canonicalize_name

from pipelines.settings import PROJECT_ROOT

LOCK: Final = PROJECT_ROOT / "requirements.lock"
OSV: Final = "https://api.osv.dev/v1/querybatch"
FOUND, NO_ANSWER = 1, 3

# Not of the lock: this project itself, and what makes an environment.
_NOT_LOCKED: Final = frozenset({"nulmeting", "pip", "setuptools", "wheel", "uv"})
_PIN: Final = re.compile(
    r"(?P<name>[A-Za-z0-9._-]+)(?:\[[^\]]*\])?==(?P<version>[^\s;\\]+)\s*(?:;\s*(?P<marker>[^\\]+))?"
)
_HASH: Final = re.compile(r"--hash=sha256:[0-9a-f]{64}")
_PATIENCE_SECONDS: Final = 20.0

# Permissive licences, and those that the EUPL names in its appendix or that bind their own files alone.
ALLOWED: Final = frozenset(
    {
        *("0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "CNRI-Python", "EUPL-1.2", "ISC"),
        *("LGPL-2.1-or-later", "LGPL-3.0-only", "LGPL-3.0-or-later", "MIT", "MIT-0", "MPL-2.0", "PSF-2.0"),
        *("Python-2.0", "Unlicense", "Zlib"),
    }
)
_AS_SPDX: Final = {
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache Software License": "Apache-2.0",
    "BSD": "BSD-3-Clause",
    "BSD 3-Clause": "BSD-3-Clause",
    "BSD License": "BSD-3-Clause",
    "GNU Library or Lesser General Public License (LGPL)": "LGPL-3.0-or-later",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}
# Read by a person, with what was found there.
_REVIEWED: Final = {"text-unidecode": "its user chooses between the Artistic licence and the GPL"}


@dataclass(frozen=True)
class Pin:
    """One entry of the lock; `marker` says where it counts, None for everywhere."""

    name: str
    version: str
    marker: str | None
    hashes: int

    @property
    def counts_here(self) -> bool:
        return self.marker is None or Marker(self.marker).evaluate()


def read_lock(text: str) -> tuple[list[Pin], list[str]]:
    """The pins of a lock, and what in it is no pin with a hash."""
    pins, problems = [], []
    entries = (line.strip() for line in text.replace("\\\n", " ").splitlines())
    for entry in entries:
        if not entry or entry.startswith("#"):
            continue
        found = _PIN.match(entry)
        if found is None:
            problems.append(f"found {entry[:60]!r} in the lock, expected name==version with hashes")
            continue
        marker = (found["marker"] or "").partition("--hash")[0].strip() or None
        pin = Pin(canonicalize_name(found["name"]), found["version"], marker, len(_HASH.findall(entry)))
        pins.append(pin)
        if not pin.hashes:
            problems.append(f"{pin.name}: found no hash in the lock, expected one for every file")
    return pins, problems


def differences(pins: Iterable[Pin], installed: Mapping[str, str]) -> Iterator[str]:
    """What is installed otherwise than as pinned; `installed` are versions by normalised name."""
    wanted: dict[str, str] = {}
    for pin in pins:
        if pin.counts_here and wanted.setdefault(pin.name, pin.version) != pin.version:
            yield f"{pin.name}: found two versions in the lock for this machine, expected one"
    for name, version in sorted(wanted.items()):
        if name not in installed:
            yield f"{name}: not installed, expected {version}; delete .venv and call make again"
        elif installed[name] != version:
            yield f"{name}: found {installed[name]} installed, expected {version}; delete .venv and call make again"
    for name in sorted(installed.keys() - wanted.keys() - _NOT_LOCKED):
        yield f"{name}: installed and not in the lock; delete .venv and call make again, or declare it and `make lock`"


def licences(packages: Iterable[Distribution]) -> Iterator[str]:
    """The packages whose licence is unknown, or does not go with that of this project."""
    for package in packages:
        name = canonicalize_name(package.metadata["Name"])
        said = licence_of(package)
        if name not in _REVIEWED and not is_allowed(said):
            found = said or "no licence in its metadata"
            wanted = "expected a licence that goes with the EUPL"
            yield f"{name}: found {found[:80]!r}, {wanted}; read it, and note it in {_HERE}"


_HERE: Final = Path(__file__).relative_to(PROJECT_ROOT).as_posix()


def licence_of(package: Distribution) -> str:
    """The licence as an SPDX expression, as far as the package tells; empty where it does not."""
    metadata = package.metadata
    if "License-Expression" in metadata:
        return str(metadata["License-Expression"])
    classifiers = [
        text.rpartition(" :: ")[2] for text in metadata.get_all("Classifier") or [] if text.startswith("License :: ")
    ]
    named = [_AS_SPDX.get(text, text) for text in classifiers if text != "OSI Approved"]
    if named:
        return " AND ".join(named)
    said = str(metadata["License"]).strip() if "License" in metadata else ""
    parts = re.split(r"( OR | AND )", said.splitlines()[0] if said else "")
    return "".join(_AS_SPDX.get(part, part) for part in parts)


def is_allowed(expression: str) -> bool:
    """Whether an SPDX expression can be met with licences that are allowed."""
    tokens = re.findall(r"\(|\)|[^\s()]+", expression)
    position = 0

    def any_of() -> bool:
        nonlocal position
        met = all_of()
        while position < len(tokens) and tokens[position].upper() == "OR":
            position += 1
            met = all_of() or met
        return met

    def all_of() -> bool:
        nonlocal position
        met = one()
        while position < len(tokens) and tokens[position].upper() == "AND":
            position += 1
            met = one() and met
        return met

    def one() -> bool:
        nonlocal position
        if position >= len(tokens):
            return False
        part = tokens[position]
        position += 1
        if part != "(":
            return part in ALLOWED
        met = any_of()
        position += 1
        return met

    met = any_of()
    return met and position == len(tokens)


def advisories(address: str, installed: Mapping[str, str]) -> list[str]:
    """What OSV knows against the installed versions. Raises httpx.HTTPError or ValueError where it gives no answer."""
    import httpx

    from pipelines.trust import certificate_context

    names = sorted(installed.keys() - _NOT_LOCKED)
    asked = [{"package": {"name": name, "ecosystem": "PyPI"}, "version": installed[name]} for name in names]
    answer = httpx.post(address, json={"queries": asked}, timeout=_PATIENCE_SECONDS, verify=certificate_context())
    answer.raise_for_status()
    results = answer.json()["results"]
    if len(results) != len(names):
        raise ValueError(f"found {len(results)} answers, expected {len(names)}")
    return [
        f"{name} {installed[name]}: known vulnerability {known['id']}, see https://osv.dev/{known['id']}"
        for name, result in zip(names, results, strict=True)
        for known in (result or {}).get("vulns", ())
    ]


def main(arguments: list[str] | None = None) -> int:
    """Print what is wrong, a line each, and what was looked at."""
    parser = argparse.ArgumentParser(description="Hold what is installed against requirements.lock.")
    parser.add_argument("--advisories", metavar="URL", default="", help=f"ask for known vulnerabilities: {OSV}")
    address = parser.parse_args(arguments).advisories
    packages = list(distributions())
    installed: dict[str, str] = {canonicalize_name(package.metadata["Name"]): package.version for package in packages}
    pins, problems = read_lock(LOCK.read_text(encoding="utf-8"))
    problems += [*differences(pins, installed), *licences(packages)]
    code = FOUND if problems else 0
    said = f"{len(pins)} packages pinned with hashes, {len(installed)} installed as pinned, their licences allowed"
    lines = problems or [said]
    if not address:
        lines.append(f"known vulnerabilities: not asked for; make audit ADVISORIES={OSV}")
    else:
        code = max(code, _ask(address, installed, lines))
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return code


def _ask(address: str, installed: Mapping[str, str], lines: list[str]) -> int:
    import httpx

    try:
        known = advisories(address, installed)
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError, TypeError) as error:
        lines.append(
            f"known vulnerabilities: no answer from {address} ({type(error).__name__}); nothing is known of them"
        )
        return NO_ANSWER
    lines += known or [f"known vulnerabilities: none, says {address}"]
    return FOUND if known else 0


if __name__ == "__main__":
    sys.exit(main())
