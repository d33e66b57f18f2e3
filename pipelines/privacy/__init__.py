"""Keeping persons out of the warehouse: recognising what identifies somebody, before anything is loaded.

What belongs here: rules about personal data that hold for every source. What does not: reading files, and the
suppression of small numbers in published figures, which is a matter of figures and not of identities.
"""

from pipelines.privacy.identifiers import (
    WITHHELD,
    holds_bsn,
    is_bsn,
    is_bsn_column,
    passes_eleven_test,
    personal_header,
    redact,
    redact_text,
)

__all__ = [
    "WITHHELD",
    "holds_bsn",
    "is_bsn",
    "is_bsn_column",
    "passes_eleven_test",
    "personal_header",
    "redact",
    "redact_text",
]
