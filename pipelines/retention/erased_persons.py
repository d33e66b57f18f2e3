"""The list of erased persons, which keeps a delivery that comes again from bringing them back.

What belongs here: the list, and what it leaves out of rows. What does not: removing what is kept already (`erasure`).

A person stands in it as a keyed hash of the pseudonym, so that it leads to nobody without the key, and to no row in an
old backup either. The key may make way for another: a mark is compared under the key that it was made with, which is
one of the earlier keys then. A key that is lost makes the list worthless, and everybody in it would come back; so
deliveries about persons are refused then, until the key is among the earlier ones.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

import pyarrow.compute as pc

from pipelines.deliveries.kept_rows import ERASED, KeptRows, rows_of
from pipelines.durable import sync, write_atomically
from pipelines.privacy.pseudonym import SAMPLE_ONLY_KEY, PseudonymKey, WatchfulKey
from pipelines.retention.removal import ERASURE, LOG, was_noted
from pipelines.settings import EARLIER_PSEUDONYM_KEYS_FILE, Settings, SetupError

_LIST: Final = "erased.json"
_FORMAT: Final = 1
_OWNER_ONLY: Final = 0o600
_WHAT_TO_DO: Final = "put the file back from a backup: without it erased persons come back with their next delivery"


@dataclass(frozen=True)
class ErasedPersons:
    """Everybody who was erased: pairs of the fingerprint of a key and what the person is called under it."""

    marks: frozenset[tuple[str, str]] = frozenset()

    def of_lost_key(self, key: PseudonymKey) -> tuple[str, str] | None:
        """What was found and expected where the list holds persons whom this key cannot recognise; None where not.

        The persons of the sample do not exist, and are read with a key of their own.
        """
        public = PseudonymKey(SAMPLE_ONLY_KEY).fingerprint
        if key.fingerprint == public:
            return None
        lost = sorted({made for made, _ in self.marks if made != public and not key.follows(made)})
        if not lost:
            return None
        found = f"a list of erased persons made with key {', '.join(lost)}"
        return found, f"key {key.fingerprint}, or one that follows it: add the earlier key to the file of " + (
            EARLIER_PSEUDONYM_KEYS_FILE
        )

    def watchful(self, key: PseudonymKey) -> WatchfulKey:
        """The key to read a delivery with: it notices whoever is in the list."""
        return WatchfulKey(key, self.marks)

    def left_out_of(self, kept: KeptRows, key: PseudonymKey) -> KeptRows:
        """The rows without those of erased persons; the same object where there is none of them.

        The rows may be of an earlier key than `key`, which follows it.
        """
        if not self.marks:
            return kept
        persons = [person for person in pc.unique(kept.rows["person"]).to_pylist() if person is not None]
        met = [person for person in persons if not self.marks.isdisjoint(key.erasure_marks(person, kept.person_key))]
        return kept.without(rows_of(kept.rows, met), ERASED) if met else kept


def read_erased(settings: Settings) -> ErasedPersons:
    """The list beside the snapshots; empty where nobody was erased.

    Raises SetupError for a file that is no list, and for one that is gone though somebody was erased.
    """
    path = settings.snapshots_dir / _LIST
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        if record["format"] != _FORMAT:
            raise ValueError("another format")
        return ErasedPersons(frozenset((person["key"], person["mark"]) for person in record["persons"]))
    except FileNotFoundError:
        if was_noted(settings, ERASURE):
            raise SetupError(f"{path}: is gone, and {LOG} tells of persons who were erased; {_WHAT_TO_DO}") from None
        return ErasedPersons()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SetupError(f"{path}: found no list of erased persons ({type(error).__name__}); {_WHAT_TO_DO}") from None


def remember_erased(settings: Settings, marks: frozenset[tuple[str, str]]) -> None:
    """Add persons to the list, which its owner alone can read; safe on the disk when this returns."""
    root = settings.snapshots_dir
    known = read_erased(settings).marks
    if marks <= known and (root / _LIST).is_file():
        return
    # In the order of the marks, which tells nothing of who came when.
    persons = [{"key": key, "mark": mark} for key, mark in sorted(known | marks)]
    text = json.dumps({"format": _FORMAT, "persons": persons}, indent=1) + "\n"
    write_atomically(root / _LIST, text, mode=_OWNER_ONLY)
    sync(root)
