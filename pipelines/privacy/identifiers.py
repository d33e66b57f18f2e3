"""What identifies a person in a delivery: a BSN, a header that announces personal data, a birth date.

What belongs here: recognising and removing identifiers in text, for whole columns at once. What does not:
deciding what happens to a file or a row that holds them; that is the readers' business.

Two measures are used, on purpose. *Refusing* asks for evidence (the eleven test of the BSN), because a figure
must not be refused for having nine digits. *Showing* asks for none: whatever could be an identifier is
withheld from a message, a mistyped BSN included.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

WITHHELD: Final = "[withheld]"

_SAMPLE: Final = 1000

# A BSN has nine digits; the leading zero of an old one gets lost in spreadsheets.
_SMALLEST_BSN: Final = 10_000_000
_LARGEST_BSN: Final = 999_999_999
_ELEVEN_WEIGHTS_FROM_THE_END: Final = (-1, 2, 3, 4, 5, 6, 7, 8, 9)

_MONTH: Final = r"(?i:jan|feb|mrt|maart|mar|apr|mei|may|jun|jul|aug|sep|okt|oct|nov|dec)[a-z]*"
_DAY: Final = r"(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])"
_JOINS_DIGITS: Final = re.compile(r"[\s.,/_'·\-\u00ad\u200b-\u200f\u2010-\u2015\u2060\ufeff]{1,3}")
# Keeps the two years of a range apart while long numbers are sought; a private character that no file has.
_GUARD: Final = "\ue000"


@dataclass(frozen=True)
class _Forms:
    """How identifiers are written, given what counts as a digit, as a space and as a mark between digits."""

    digit: str
    space: str
    between: str

    @property
    def long_number(self) -> str:
        return rf"{self.digit}(?:[{self.between}]{{0,3}}{self.digit}){{7,}}"

    @property
    def long_number_or_commas(self) -> str:
        return rf"{self.digit}(?:[,{self.between}]{{0,3}}{self.digit}){{7,}}"

    @property
    def years(self) -> str:
        """`2020-2023` has eight digits and is no identifier, but only where it stands by itself."""
        space, other, year = self.space, rf"[^{self.digit.strip('[]')}{self.between}]", "(?:19|20)[0-9]{2}"
        return (
            rf"(^{space}*|{other}{space}*)({year})({space}?[-–/]{space}?{year})"
            rf"({space}*\.?{space}*$|{space}*{other})"
        )

    @property
    def withheld(self) -> tuple[str, ...]:
        digit, space = self.digit, self.space
        mark = rf"{space}?[-/.]{space}?"
        return (
            r"[^\s@;,\"<>]+@[^\s@;,\"<>]+",
            rf"{digit}[.,]{digit}{{5,}}[eE]\+?{digit}+",
            rf"{digit}{{2,3}}(?:,{digit}{{3}}){{2,}}",
            self.long_number,
            rf"{digit}{{1,2}}{mark}{digit}{{1,2}}{mark}{digit}{{2,4}}",
            rf"{digit}{{4}}{mark}{digit}{{1,2}}{mark}{digit}{{1,2}}",
            rf"{digit}{{1,2}}{space}?-?{space}?{_MONTH}\.?{space}?-?{space}?{digit}{{2,4}}",
        )


_ANY_SCRIPT: Final = _Forms(r"\p{Nd}", r"[\p{Z}\t]", r"\p{Z}\p{Cf}\p{Pd}\t\r\n./_'·")
# The same for texts in ASCII, which nearly all are: patterns over all of Unicode are slow to build.
_ASCII: Final = _Forms("[0-9]", r"[ \t]", r" \-\t\r\n./_'")


def _forms_for(texts: pa.Array) -> _Forms:
    return _ASCII if pc.all(pc.string_is_ascii(texts), min_count=0).as_py() is not False else _ANY_SCRIPT


def redact(texts: pa.Array) -> pa.Array:
    """The texts without what could identify a person: long digit sequences, dates, e-mail addresses.

    Sequences of eight digits or more go, whatever stands between them and whether or not they pass the eleven
    test; a range of two years stays. Names cannot be recognised: that is why readers never show a column that
    is not declared.
    """
    forms = _forms_for(texts)
    shown = pc.replace_substring(texts, _GUARD, "")
    shown = pc.replace_substring_regex(shown, forms.years, rf"\1\2{_GUARD}\3\4")
    for form in forms.withheld:
        shown = pc.replace_substring_regex(shown, form, WITHHELD)
    return pc.replace_substring(shown, _GUARD, "")


def redact_text(text: str) -> str:
    """One text without what could identify a person. See `redact`."""
    shown: str = redact(pa.array([text], pa.string()))[0].as_py()
    return shown


def passes_eleven_test(numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Which numbers could be a BSN: eight or nine digits, and 9a + 8b + ... + 2h - i divisible by eleven."""
    passes: npt.NDArray[np.bool_] = (numbers >= _SMALLEST_BSN) & (numbers <= _LARGEST_BSN)
    rest = numbers[passes]
    total = np.zeros(len(rest), dtype=np.int64)
    for weight in _ELEVEN_WEIGHTS_FROM_THE_END:
        rest, digit = np.divmod(rest, 10)
        total += weight * digit
    passes[passes] = total % 11 == 0
    return passes


def is_bsn(digits: str) -> bool:
    """Whether one text of digits could be a BSN. See `passes_eleven_test`."""
    return bool(passes_eleven_test(np.array([int(digits)], dtype=np.int64))[0])


def holds_bsn(texts: pa.Array) -> pa.Array:
    """For every text whether a BSN stands in it, alone or among words, in any usual way of writing it.

    A null holds none. Eight digits that read as a date (`20160101`) are no BSN.
    """
    distinct = pc.drop_null(pc.unique(texts))
    forms = _forms_for(distinct)
    suspect = distinct.filter(pc.match_substring_regex(distinct, forms.long_number_or_commas))
    found = []
    if forms is _ASCII:
        # Most texts with long numbers hold one row of digits: those are looked at all at once.
        alone = pc.struct_field(pc.extract_regex(suspect, r"^[^0-9]*(?P<digits>[0-9]{8,})[^0-9]*$"), "digits")
        found = suspect.filter(_one_run_is_bsn(alone)).to_pylist()
        suspect = suspect.filter(pc.is_null(alone))
    # Only the few distinct texts that are left are looked at one by one.
    found += [text for text in suspect.to_pylist() if _bsn_within(text)]
    return pc.is_in(texts, value_set=pa.array(found, pa.string()))


def _one_run_is_bsn(runs: pa.Array) -> pa.Array:
    """Which rows of digits, null among them, are a BSN by themselves."""
    shaped = pc.and_(pc.less_equal(pc.binary_length(runs), 9), pc.invert(pc.match_substring_regex(runs, f"^{_DAY}$")))
    numbers = pc.if_else(pc.fill_null(shaped, False), runs, "0").cast(pa.int64())
    return pa.array(passes_eleven_test(numbers.to_numpy(zero_copy_only=False)))


def _bsn_within(text: str) -> bool:
    """Whether eight or nine digits of the text, taken from neighbouring runs, pass the eleven test."""
    runs = list(re.finditer(r"\d+", text))
    candidates: list[int] = []
    for first, run in enumerate(runs):
        digits = ""
        for position in range(first, len(runs)):
            between = text[runs[position - 1].end() : runs[position].start()] if position > first else ""
            if between and not _JOINS_DIGITS.fullmatch(between):
                break
            if "," in between and len(runs[position].group()) != 3:  # a decimal comma, not 123,456,782
                break
            digits += runs[position].group()
            if len(digits) > 9:
                break
            if len(digits) == 9 or (len(digits) == 8 and not re.fullmatch(_DAY, run.group())):
                candidates.append(int(digits))
    return bool(passes_eleven_test(np.array(candidates, dtype=np.int64)).any())


def is_bsn_column(texts: pa.Array, *, figures: bool = False) -> bool:
    """Whether most of the distinct values of a column are BSNs.

    One in eleven arbitrary numbers passes the test, so that a few values prove little: three must pass, or
    all of them where they have nine digits. A column declared to hold `figures` takes five, and four in five.
    Eight digits that read as a date (`20160101`) do not count.
    """
    return bool(bsns_prevail([bsn_census(texts, thorough=True)], figures=figures))


@dataclass(frozen=True)
class BsnCensus:
    """What a part of a column has to say about whether the whole column holds BSNs.

    `passing` are the distinct numbers that could be a BSN; `others` the distinct other values, None where they
    were not counted, because nothing passed.
    """

    passing: npt.NDArray[np.int64]
    has_others: bool
    others: pa.Array | None


def bsn_census(texts: pa.Array, *, thorough: bool = False) -> BsnCensus:
    """Count a part of a column, cell by cell or by its distinct texts; `thorough` counts the others at any rate."""
    between = _forms_for(texts).between
    has_others = any(
        pc.any(pc.match_substring_regex(some, f"[^{between}]"), min_count=0).as_py()
        for some in (texts.slice(0, _SAMPLE), texts.slice(_SAMPLE))
    )
    shaped = _bare(texts.filter(pc.match_substring_regex(texts, f"^[0-9{between}]{{8,}}$")), between)
    shaped = shaped.filter(pc.match_substring_regex(shaped, "^[0-9]{8,9}$"))
    shaped = shaped.filter(pc.invert(pc.match_substring_regex(shaped, f"^{_DAY}$")))
    numbers = shaped.cast(pa.int64()).to_numpy(zero_copy_only=False)
    passes = passes_eleven_test(numbers)
    if not (thorough or passes.any()):
        return BsnCensus(numbers[:0], has_others, None)
    bare = _bare(texts, between)
    others = bare.filter(pc.fill_null(pc.not_equal(bare, ""), False))
    others = others.filter(pc.invert(pc.is_in(others, value_set=shaped.filter(pa.array(passes)))))
    return BsnCensus(np.unique(numbers[passes]), len(others) > 0, others)


def _bare(texts: pa.Array, between: str) -> pa.Array:
    """The distinct texts without what may stand between digits."""
    # A BSN column with gaps comes out of data frames as 123456782.0.
    whole = pc.replace_substring_regex(texts, r"([0-9])\.0$", r"\1")
    return pc.unique(pc.replace_substring_regex(whole, f"[{between}]+", ""))


def bsns_prevail(parts: Sequence[BsnCensus], *, figures: bool) -> bool | None:
    """Whether most distinct values of a column are BSNs, as `is_bsn_column` says, from the parts of the column.

    None where that takes a `thorough` census of parts that had none.
    """
    passing = np.unique(np.concatenate([part.passing for part in parts]))
    fewest = 5 if figures else 3
    if not len(passing) or not any(part.has_others for part in parts):
        nine_digits = not figures and bool((passing >= 100_000_000).all())
        return len(passing) >= fewest or (len(passing) > 0 and nine_digits)
    if len(passing) < fewest:
        return False
    counted = [part.others for part in parts if part.others is not None]
    share = len(passing) / (len(passing) + len(pc.unique(pa.concat_arrays(counted))))
    prevails = share >= 0.8 if figures else share > 0.5
    return None if prevails and len(counted) < len(parts) else prevails


_PERSONS: Final = (
    r"(?:clien(?:t|ten)|inwoners?|person(?:en)?|persoon|kind(?:eren)?|jeugdigen?|patienten?|patient|ouders?"
    r"|partner|burgers?|aanvrager|medewerker|contactpersoon|deelnemers?)"
)
# Matched against the words of a header, lower case, without accents and with one space between them.
_PERSONAL_HEADERS: Final = (
    ("BSN", r".*\b(?:bsn[a-z]*|[a-z]*bsn|sofi|sofinr|ssn)\b.*|.*burger ?service ?n.*|.*sofi ?nummer.*"),
    ("birth date", r".*(?:geboorte ?da[tg]|\bgeb ?dat|\bdate of birth|\bbirth ?date|\bgeboren\b).*"),
    (
        "name",
        r".*\b(?:(?:voor|achter|roep|geslachts|familie)na(?:am|men)|voorletters?|tussenvoegsels?|initialen"
        r"|naw|naw ?gegevens|first ?name|last ?name|full ?name|surname)\b.*"
        rf"|.*\b(?:volledige naam|{_PERSONS} ?naam|naam (?:van )?(?:de |het )?{_PERSONS})\b.*",
    ),
    ("address", r".*\b(?:(?:woon|post)?adres|straat|straatnaam|huisnummer|huisnr)\b.*"),
    ("contact", r".*\b(?:telefoon(?:nummer|nr)?|tel ?nr|mobiel|e ?mail ?(?:adres)?|mailadres|iban)\b.*"),
    ("person number", rf"{_PERSONS} ?(?:nummer|nr|id|code|sleutel)"),
)
_BARE_NAME: Final = ("naam", "namen", "name")


def personal_header(header: str, *, declared: bool = False) -> str | None:
    """What kind of personal data a header announces (`BSN`, `name`, ...), or None where it announces none.

    A bare `naam` is taken for a person's name, unless the column is `declared`: then somebody looked and said
    that it is the name of something else. The rest stays personal, whatever a declaration says.
    """
    plain = unicodedata.normalize("NFKD", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", header))
    letters = "".join(character for character in plain if not unicodedata.combining(character))
    words = " ".join(re.findall(r"[a-z]+", letters.casefold()))
    if words in _BARE_NAME:
        return None if declared else "name"
    return next((kind for kind, form in _PERSONAL_HEADERS if re.fullmatch(form, words)), None)
