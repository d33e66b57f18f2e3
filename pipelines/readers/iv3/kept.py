"""What is kept of an Iv3 delivery in JSON in place of its bytes, which name a contact person.

What belongs here: a copy that reads the same and names nobody. What does not: keeping it (`deliveries`).
"""

from __future__ import annotations

import json
from typing import Any, Final

_METADATA: Final = ("overheidslaag", "overheidsnummer", "boekjaar", "periode", "status", "datum")
_FIELDS: Final = ("taakveld", "categorie", "balanscode", "standper", "bedrag", "kengetal", "verslagperiode", "waarde")


def without_persons(data: bytes) -> bytes:
    """The document with what is read of it and what it adds up from, without the contact person, remarks and details.

    Only for a document that was read. Details are emptied and stay, because they tell amounts that add up from
    amounts that are there twice. Lines are other ones than in the original.
    """
    document = json.loads(data.decode("utf-8-sig", errors="replace"))
    kept = {
        "metadata": {name: document["metadata"][name] for name in _METADATA if name in document["metadata"]},
        "contact": {},
        "data": {name: [_bare(entry) for entry in part] for name, part in document["data"].items()},
    }
    return json.dumps(kept, indent=1).encode()


def _bare(entry: dict[str, Any]) -> dict[str, Any]:
    details: dict[str, Any] = {"details": {}} if "details" in entry else {}
    return {name: entry[name] for name in _FIELDS if name in entry} | details
