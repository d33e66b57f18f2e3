"""The history of region codes, read from the Dutch prose of CBS's `RegioSCodes.Description`.

What belongs here: the grammar of that prose, and the tables that follow from it: who flowed into whom, which
code was valid when, and where the text contradicts itself. What does not: deciding where figures go
(`weights`) and recognising what a delivery calls a region (`regions`).

Every line of a description ends in one of the kinds of `History.line_kinds` or in `History.unrecognised`;
nothing is skipped. A municipality's own description is the authority. Provinces, landsdelen and COROP areas
repeat the flows that cross their borders: those lines are compared, never believed, because some carry a
wrong code.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

CHANGES_SCHEMA = pa.schema(
    [
        ("from_code", pa.string()),
        ("from_name", pa.string()),
        ("to_code", pa.string()),
        ("to_name", pa.string()),
        ("effective_date", pa.date32()),
        ("kind", pa.string()),
        ("inhabitants", pa.int64()),
        ("dwellings", pa.int64()),
        ("hectares", pa.float64()),
        ("seen_at", pa.list_(pa.string())),
    ]
)
REGIONS_SCHEMA = pa.schema(
    [
        ("region_code", pa.string()),
        ("region_name", pa.string()),
        ("region_type", pa.string()),
        ("valid_from", pa.date32()),
        ("valid_to", pa.date32()),
        ("successor_codes", pa.list_(pa.string())),
        ("predecessor_codes", pa.list_(pa.string())),
        ("is_fictional", pa.bool_()),
    ]
)
CONFLICTS_SCHEMA = pa.schema(
    [
        ("from_code", pa.string()),
        ("to_code", pa.string()),
        ("effective_date", pa.date32()),
        ("quantity", pa.string()),
        ("kept", pa.string()),
        ("stated", pa.string()),
        ("seen_at", pa.string()),
    ]
)
PROVINCE_CHANGES_SCHEMA = pa.schema(
    [
        ("region_code", pa.string()),
        ("effective_date", pa.date32()),
        ("from_province", pa.string()),
        ("to_province", pa.string()),
    ]
)
LINES_SCHEMA = pa.schema(
    [
        ("region_code", pa.string()),
        ("line_number", pa.int64()),
        ("line", pa.string()),
    ]
)

HERINDELING = "herindeling"
GRENSWIJZIGING = "grenswijziging"
NAAMSWIJZIGING = "naamswijziging"
EIGEN_DEEL = "eigen_deel"

_TYPE_BY_PREFIX = {"NL": "land", "LD": "landsdeel", "PV": "provincie", "CR": "corop", "GM": "gemeente"}
# CBS gives the authority of the southern IJsselmeer polders and the central register of persons a GM code,
# yet counts neither as a municipality: without them the counts of 1988 to 1996 are the official ones.
_NOT_A_MUNICIPALITY = frozenset({"GM0996", "GM0997"})

_FLOW_KEYS = ["from_code", "to_code", "effective_date"]
_QUANTITIES = ("inhabitants", "dwellings", "hectares")


@dataclass(frozen=True)
class History:
    """What the descriptions say, as tables. Built by `parse_history`.

    `changes`, one row per flow (from_code, to_code, effective_date), both ends merged; `kind` is
    - `herindeling`: from_code was abolished that day and this part of it went to to_code;
    - `naamswijziging`: from_code was renamed to to_code (the figures go with it as a whole);
    - `grenswijziging`: a piece of from_code, which stays, went to to_code (between larger areas too);
    - `eigen_deel`: what a municipality that kept its code brought into a merger (from_code = to_code).
    inhabitants, dwellings (int) and hectares (float: the source has `0,17 hectare`) are null where no
    description gives them; where the ends differ, from_code's own description counts. `seen_at` lists the
    codes whose descriptions state the flow.

    `regions`, one row per code, in the order of the input: valid from `valid_from` (null: before 1830, or
    never stated) up to but not including `valid_to` (null: still valid). `successor_codes` and
    `predecessor_codes` follow herindelingen and renames only, the largest number of inhabitants first.

    `conflicts`, one row per statement that differs from what was kept: `quantity` is inhabitants, dwellings,
    hectares, region_name, valid_from or `flow` (a larger area mentions a flow that neither municipality
    knows: kept is null and stated the inhabitants).

    `province_changes`: municipalities that moved to another province with their code (province codes, or the
    name as written where no province has it). `notes`: explanatory sentences. `unrecognised`: lines that the
    grammar does not know. `line_kinds` counts every line by what it was taken for.
    """

    changes: pa.Table
    regions: pa.Table
    conflicts: pa.Table
    province_changes: pa.Table
    notes: pa.Table
    unrecognised: pa.Table
    line_kinds: Mapping[str, int]

    def valid_on(self, day: dt.date, region_type: str = "gemeente") -> pa.Table:
        """The rows of `regions` of one type that were valid on `day`."""
        return self.regions.filter(
            pc.and_(pc.equal(self.regions["region_type"], region_type), validity_mask(self.regions, day))
        )


def validity_mask(regions: pa.Table, day: dt.date) -> pa.ChunkedArray:
    """Booleans: which rows of a table with valid_from and valid_to hold on `day` (valid_to is exclusive)."""
    at = pa.scalar(day, pa.date32())
    begun = pc.fill_null(pc.less_equal(regions["valid_from"], at), True)
    not_ended = pc.fill_null(pc.greater(regions["valid_to"], at), True)
    return pc.and_(begun, not_ended)


def parse_history(codes: Sequence[Mapping[str, Any]] | pa.Table) -> History:
    """The history told by `RegioSCodes` of CBS OData v4.

    `codes` are its rows, or a table with the columns Identifier, Title and Description. Never raises on the
    text of a description: what it does not know comes back in `History.unrecognised`.
    A code that occurs in several rows (several tables list it) is told by all their descriptions together and
    called by the first title. Raises ValueError when a column is missing or an identifier is empty.
    """
    descriptions = _descriptions(codes)
    titles = {one.code: one.title for one in descriptions}
    for one in descriptions:
        one.read()
    statements = _statement_table([flow for one in descriptions for flow in one.flows])
    merged = _merge_statements(statements)
    changes = _changes(merged, titles, {one.code: one.abolished for one in descriptions if one.abolished})
    conflicts = pa.concat_tables([_flow_conflicts(statements, merged), _region_conflicts(descriptions)])
    line_kinds: Counter[str] = Counter()
    for one in descriptions:
        line_kinds.update(one.line_kinds)
    return History(
        changes=changes,
        regions=_regions(descriptions, changes),
        conflicts=_ordered(conflicts, "effective_date", "from_code", "to_code", "quantity", "seen_at"),
        province_changes=_province_changes(descriptions, titles),
        notes=_line_table([(one.code, *line) for one in descriptions for line in one.notes]),
        unrecognised=_line_table([(one.code, *line) for one in descriptions for line in one.unrecognised]),
        line_kinds=dict(line_kinds),
    )


def region_type(code: str) -> str:
    """The kind of area a code stands for: land, landsdeel, provincie, corop, gemeente, or overig."""
    if code == "VB00":
        return "land"
    if code in _NOT_A_MUNICIPALITY:
        return "overig"
    return "gemeente" if code.startswith("VB") else _TYPE_BY_PREFIX.get(code[:2], "overig")


# --- the prose ----------------------------------------------------------------------------------------------

_DATE = r"(?P<date>[0-9]{2}-[0-9]{2}-[0-9]{4})"
_CODE = r"(?:[A-Z]{2}[0-9]{2,4}|[0-9]{4})"
_A = rf"(?P<a_name>.+?) \((?P<a>{_CODE})\)"
_B = rf"(?P<b_name>.+?) \((?P<b>{_CODE})\)"
_QUANTITY = r"(?:[0-9]{1,9}(?:,[0-9]{1,9})? hectare|[0-9]{1,9} woning(?:en)?|[0-9]{1,9} inwoners?)"
_QUANTITIES_TEXT = rf"(?P<figures>{_QUANTITY}(?:(?: met| en)? {_QUANTITY}){{0,2}})\.?"
_MAYBE_FIGURES = rf"(?:,? {_QUANTITIES_TEXT})?"

_MUNICIPAL_SECTION = re.compile(
    r"(?P<verb>Gemeentelijke herindeling|Grenswijziging|Wijziging|Ontstaan|Opgeheven) "
    rf"per {_DATE},? (?P<direction>ontvangen van|overgegaan naar|uit):"
)
_PLAIN_SECTION = re.compile(
    rf"(?P<verb>Grenswijziging|Naamswijziging|Provinciale wijziging|Opgeheven) per {_DATE}(?P<end>[,:]?)"
)
_BEGIN = re.compile(rf"Begindatum (?:voor [0-9]{{4}}|{_DATE})")
_MUNICIPAL_ITEM = re.compile(rf"- (?P<name>.+) \((?P<code>{_CODE})\),?")
_AREA_ITEM = re.compile(rf"- (?P<direction>Ontvangen van|Over naar) {_A}{_MAYBE_FIGURES}")
_FIGURES = re.compile(rf"\.\.\. {_QUANTITIES_TEXT}")
_NEW_NAME = re.compile(rf"(?P<which>oude|nieuwe) naam: (?P<name>.+) \((?P<code>{_CODE})\),?")
_PROVINCE_ITEM = re.compile(r"- overgegaan van provincie (?P<old>.+) naar provincie (?P<new>.+)")
_RECEIVED = re.compile(rf"\.\.\. {_A} ontvangt (?:een gedeelte )?van (?:het opgeheven )?{_B}{_MAYBE_FIGURES}")
_PASSED_ON = re.compile(
    rf"\.\.\. (?:Over van {_A} naar|{_A.replace('a_name', 'c_name').replace('<a>', '<c>')} "
    rf"(?:wordt (?:gedeeltelijk )?opgeheven en )?gaat (?:gedeeltelijk )?over naar) {_B}{_MAYBE_FIGURES}"
)
_WHOLE_MUNICIPALITY = re.compile(rf"\.\.\. {_A} wordt overgeheveld van provincie{_MAYBE_FIGURES}")
_NOTE = re.compile(
    r"(?:CR|LD|PV) = \S+"
    r"|Regionaal niveau tussen gemeenten en provincies in\..*"
    r"|Regionale groepering van provincies\..*"
    r"|Bestuurlijke onderverdeling van het Nederlands grondgebied\..*"
    r"|(?:Noord|Oost|West|Zuid)-Nederland: .+"
    r"|Vanaf [0-9-]{10} hanteert het CBS de Friese naam .+"
    r"|Register waarin een beperkt aantal inwoners van Nederland was ingeschreven\..*"
    r"|Het centraal persoonsregister werd bijgehouden door .+"
    r"|Fictief voorbeeld.*"
    r"|Sinds .+ zijn deze personen ingeschreven in het bevolkingsregister van de gemeente .+"
)
# One real line breaks before its last word.
_CONTINUATION = re.compile(r"(?:hectare|woning(?:en)?|inwoners?)\.?")
_ONE_QUANTITY = re.compile(r"([0-9]+(?:,[0-9]+)?) (hectare|woning|inwoner)")
_COLUMN_OF_UNIT = {"hectare": "hectares", "woning": "dwellings", "inwoner": "inhabitants"}

# Whose word counts when statements of one flow differ: the giving end, the receiving end, a larger area.
_GIVING_END, _RECEIVING_END, _LARGER_AREA = 0, 1, 2


@dataclass
class _Flow:
    from_code: str
    from_name: str
    to_code: str
    to_name: str
    effective_date: dt.date
    seen_at: str
    authority: int
    is_rename: bool = False
    inhabitants: int | None = None
    dwellings: int | None = None
    hectares: float | None = None

    def take_figures(self, text: str | None) -> bool:
        """Fills in the quantities written in `text`; False when a unit occurs twice or figures were there."""
        found = _ONE_QUANTITY.findall(text or "")
        if len({unit for _, unit in found}) < len(found):
            return False
        if found and any(getattr(self, name) is not None for name in _QUANTITIES):
            return False
        for number, unit in found:
            value = float(number.replace(",", ".")) if unit == "hectare" else int(number)
            setattr(self, _COLUMN_OF_UNIT[unit], value)
        return True


@dataclass
class _Description:
    """What the source tells of one region, what that yields, and the state of reading it."""

    code: str
    title: str
    other_titles: list[str] = field(default_factory=list)
    text: str = ""
    flows: list[_Flow] = field(default_factory=list)
    begun: dt.date | None = None
    founded: dt.date | None = None
    abolished: dt.date | None = None
    provinces: list[tuple[dt.date, str, str]] = field(default_factory=list)
    notes: list[tuple[int, str]] = field(default_factory=list)
    unrecognised: list[tuple[int, str]] = field(default_factory=list)
    line_kinds: Counter[str] = field(default_factory=Counter)
    section: tuple[str, dt.date] | None = None
    last_flow: _Flow | None = None

    def read(self) -> None:
        """Takes in the whole text, line by line."""
        for number, line in _logical_lines(self.text):
            kind = self._read_line(line)
            if kind is None and _NOTE.fullmatch(line):
                self.notes.append((number, line))
                kind = "note"
            if kind is None:
                self.unrecognised.append((number, line))
                # What stands under an unknown heading must not be read as part of the section before it.
                if not line.startswith(("-", "...")):
                    self.section = None
            if kind not in ("flow", "repeated_flow", "figures", "blank"):
                self.last_flow = None
            self.line_kinds[kind or "unrecognised"] += 1

    def _read_line(self, line: str) -> str | None:
        """What kind of line this is, having taken in what it says; None when the grammar does not know it."""
        if line == ".":
            return "blank"
        if line.startswith("-"):
            return self._read_item(line)
        if line.startswith("..."):
            return self._read_figures(line) or self._read_detail(line)
        return self._read_section(line) or self._read_name(line) or self._read_begin(line)

    def _read_section(self, line: str) -> str | None:
        if match := _MUNICIPAL_SECTION.fullmatch(line):
            verb = match["verb"]
            kind = "given" if match["direction"] == "overgegaan naar" else "received"
            if (verb == "Opgeheven") != (kind == "given") and verb in ("Opgeheven", "Ontstaan"):
                return None
        elif match := _PLAIN_SECTION.fullmatch(line):
            verb = match["verb"]
            kind = {
                ("Grenswijziging", ":"): "area",
                ("Naamswijziging", ","): "rename",
                ("Provinciale wijziging", ":"): "province",
                ("Opgeheven", ""): "ended",
            }.get((verb, match["end"]), "")
        else:
            return None
        day = _parse_date(match["date"])
        if day is None or not kind:
            return None
        if verb == "Opgeheven":
            self.abolished = max(day, self.abolished or day)
        if verb == "Ontstaan":
            self.founded = day
        self.section, self.last_flow = (kind, day), None
        return "section"

    def _read_item(self, line: str) -> str | None:
        if self.section is None:
            return None
        kind, day = self.section
        if kind in ("given", "received") and (match := _MUNICIPAL_ITEM.fullmatch(line)):
            self._add_flow(kind == "given", match["code"], match["name"], day)
            return "flow"
        if kind == "area" and (match := _AREA_ITEM.fullmatch(line)):
            given = match["direction"] == "Over naar"
            flow = self._flow(given, match["a"], match["a_name"], day)
            return self._keep(flow, match["figures"], "flow")
        if kind == "province" and (match := _PROVINCE_ITEM.fullmatch(line)):
            self.provinces.append((day, match["old"], match["new"]))
            return "province"
        return None

    def _read_figures(self, line: str) -> str | None:
        match = _FIGURES.fullmatch(line)
        if match is None or self.last_flow is None or not self.last_flow.take_figures(match["figures"]):
            return None
        return "figures"

    def _read_detail(self, line: str) -> str | None:
        """A municipal flow repeated by a larger area: kept as a statement of the lowest authority."""
        if self.section is None or self.section[0] != "area":
            return None
        if match := _RECEIVED.fullmatch(line):
            giver, taker = (match["b"], match["b_name"]), (match["a"], match["a_name"])
        elif match := _PASSED_ON.fullmatch(line):
            giver = (match["a"] or match["c"], match["a_name"] or match["c_name"])
            taker = (match["b"], match["b_name"])
        elif match := _WHOLE_MUNICIPALITY.fullmatch(line):
            return "province"
        else:
            return None
        flow = _Flow(
            from_code=_full_code(giver[0]),
            from_name=giver[1],
            to_code=_full_code(taker[0]),
            to_name=taker[1],
            effective_date=self.section[1],
            seen_at=self.code,
            authority=_LARGER_AREA,
        )
        return self._keep(flow, match["figures"], "repeated_flow")

    def _read_name(self, line: str) -> str | None:
        match = _NEW_NAME.fullmatch(line)
        if match is None or self.section is None or self.section[0] != "rename":
            return None
        given = match["which"] == "nieuwe"
        flow = self._add_flow(given, match["code"], match["name"], self.section[1])
        flow.is_rename = True
        self.last_flow = None
        if not given and flow.from_code != self.code:
            self.founded = self.section[1]
        return "name"

    def _read_begin(self, line: str) -> str | None:
        match = _BEGIN.fullmatch(line)
        if match is None:
            return None
        if match["date"] is not None:
            self.begun = _parse_date(match["date"])
            if self.begun is None:
                return None
        return "begin"

    def _keep(self, flow: _Flow, figures: str | None, kind: str) -> str | None:
        if not flow.take_figures(figures):
            return None
        self.flows.append(flow)
        self.last_flow = flow
        return kind

    def _add_flow(self, given: bool, code: str, name: str, day: dt.date) -> _Flow:
        self.last_flow = self._flow(given, code, name, day)
        self.flows.append(self.last_flow)
        return self.last_flow

    def _flow(self, given: bool, code: str, name: str, day: dt.date) -> _Flow:
        own, other = (self.code, self.title), (_full_code(code), name)
        giver, taker = (own, other) if given else (other, own)
        authority = _GIVING_END if given else _RECEIVING_END
        return _Flow(*giver, *taker, effective_date=day, seen_at=self.code, authority=authority)


def _logical_lines(text: str) -> list[tuple[int, str]]:
    """The non-empty lines with their 1-based number; a unit alone on a line is joined to the line before."""
    lines: list[tuple[int, str]] = []
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        if lines and _CONTINUATION.fullmatch(line):
            lines[-1] = (lines[-1][0], f"{lines[-1][1]} {line}")
        elif line:
            lines.append((number, line))
    return lines


def _parse_date(text: str) -> dt.date | None:
    day, month, year = text.split("-")
    try:
        return dt.date(int(year), int(month), int(day))
    except ValueError:
        return None


def _full_code(code: str) -> str:
    """`0109` for `GM0109`, as one COROP description writes it."""
    return f"GM{code}" if code.isdigit() else code


# --- the tables ---------------------------------------------------------------------------------------------


def _descriptions(codes: Sequence[Mapping[str, Any]] | pa.Table) -> list[_Description]:
    """What is told of every code, not yet read. Tables may list a code again, in the same or other words."""
    wanted = ("Identifier", "Title", "Description")
    rows = codes.to_pylist() if isinstance(codes, pa.Table) else codes
    found = set(codes.column_names) if isinstance(codes, pa.Table) else set(wanted).intersection(*rows)
    if missing := [name for name in wanted if name not in found]:
        raise ValueError(f"region codes: found no {' or '.join(missing)}, expected it in every row")
    texts = [[_text(row[name]) for name in wanted] for row in rows]
    told: dict[str, tuple[list[str], list[str]]] = {}
    for code, title, text in texts:
        titles, descriptions = told.setdefault(code.strip(), ([], []))
        titles.extend([title.strip()] if title.strip() not in titles else [])
        descriptions.extend([text] if text not in descriptions else [])
    if "" in told:
        raise ValueError("region codes: found an empty Identifier, expected a code in every row")
    return [
        _Description(code, titles[0], other_titles=titles[1:], text="\n".join(descriptions))
        for code, (titles, descriptions) in told.items()
    ]


def _text(value: object) -> str:
    """As text that Arrow can hold: JSON may escape half of a character pair, which UTF-8 has no bytes for."""
    return "" if value is None else str(value).encode("utf-8", "backslashreplace").decode("utf-8")


def _ordered(table: pa.Table, *names: str) -> pa.Table:
    return table.sort_by([(name, "ascending") for name in names])


def _statement_table(flows: Sequence[_Flow]) -> pa.Table:
    types = {
        "from_code": pa.string(),
        "from_name": pa.string(),
        "to_code": pa.string(),
        "to_name": pa.string(),
        "effective_date": pa.date32(),
        "seen_at": pa.string(),
        "authority": pa.int8(),
        "is_rename": pa.bool_(),
        "inhabitants": pa.int64(),
        "dwellings": pa.int64(),
        "hectares": pa.float64(),
    }
    columns = {name: pa.array([getattr(flow, name) for flow in flows], kind) for name, kind in types.items()}
    return _ordered(pa.table(columns), "authority", "seen_at")


def _merge_statements(statements: pa.Table) -> pa.Table:
    """One row per flow: the first stated figure in order of authority, and everyone who stated it."""
    first = ["from_name", "to_name", *_QUANTITIES, "authority"]
    merged = statements.group_by(_FLOW_KEYS, use_threads=False).aggregate(
        [*((name, "first") for name in first), ("is_rename", "any"), ("seen_at", "distinct")]
    )
    return merged.rename_columns([*_FLOW_KEYS, *first, "is_rename", "seen_at"])


def _changes(merged: pa.Table, titles: Mapping[str, str], abolished: Mapping[str, dt.date]) -> pa.Table:
    stated = merged.filter(pc.less(merged["authority"], _LARGER_AREA))
    same_code = pc.equal(stated["from_code"], stated["to_code"])
    abolished_on = _looked_up(stated["from_code"], abolished, pa.date32())
    ended_that_day = pc.fill_null(pc.equal(abolished_on, stated["effective_date"]), False)
    kind = pc.if_else(
        stated["is_rename"],
        NAAMSWIJZIGING,
        pc.if_else(same_code, EIGEN_DEEL, pc.if_else(ended_that_day, HERINDELING, GRENSWIJZIGING)),
    )
    # The title is the one spelling of a name, but a rename under the same code would lose its old name by it.
    renamed_in_place = pc.and_(same_code, stated["is_rename"])
    for end in ("from", "to"):
        title = pc.coalesce(_looked_up(stated[f"{end}_code"], titles, pa.string()), stated[f"{end}_name"])
        name = pc.if_else(renamed_in_place, stated[f"{end}_name"], title)
        stated = stated.set_column(stated.column_names.index(f"{end}_name"), f"{end}_name", name)
    table = stated.append_column("kind", kind).select(CHANGES_SCHEMA.names).cast(CHANGES_SCHEMA)
    return _ordered(table, "effective_date", "from_code", "to_code")


def _looked_up(keys: pa.ChunkedArray, values: Mapping[str, Any], kind: pa.DataType) -> pa.ChunkedArray:
    """The value of each key, null where it has none."""
    position = pc.index_in(keys, pa.array(list(values), pa.string()))
    return pa.chunked_array([pa.array(list(values.values()), kind)]).take(position)


def continuations(changes: pa.Table) -> pa.Table:
    """The rows of `History.changes` by which a code ends: its herindeling, or its rename to another code."""
    ends = pc.is_in(changes["kind"], pa.array([HERINDELING, NAAMSWIJZIGING]))
    return changes.filter(pc.and_(ends, pc.not_equal(changes["from_code"], changes["to_code"])))


def _regions(descriptions: Sequence[_Description], changes: pa.Table) -> pa.Table:
    continued = continuations(changes).sort_by(
        [("inhabitants", "descending"), ("from_code", "ascending"), ("to_code", "ascending")]
    )
    successors = _listed(continued, "from_code", "to_code")
    predecessors = _listed(continued, "to_code", "from_code")
    ended = dict(zip(continued["from_code"].to_pylist(), continued["effective_date"].to_pylist(), strict=True))
    codes = [one.code for one in descriptions]
    return pa.table(
        {
            "region_code": codes,
            "region_name": [one.title for one in descriptions],
            "region_type": [region_type(code) for code in codes],
            "valid_from": [one.founded or one.begun for one in descriptions],
            "valid_to": [one.abolished or ended.get(one.code) for one in descriptions],
            "successor_codes": [successors.get(code, []) for code in codes],
            "predecessor_codes": [predecessors.get(code, []) for code in codes],
            "is_fictional": [code.startswith("VB") for code in codes],
        },
        schema=REGIONS_SCHEMA,
    )


def _listed(flows: pa.Table, key: str, value: str) -> dict[str, list[str]]:
    grouped = flows.group_by(key, use_threads=False).aggregate([(value, "list")])
    return dict(zip(grouped[key].to_pylist(), grouped[f"{value}_list"].to_pylist(), strict=True))


def _flow_conflicts(statements: pa.Table, merged: pa.Table) -> pa.Table:
    """Statements whose figures differ from the merged row, and flows that only a larger area mentions."""
    kept = merged.select([*_FLOW_KEYS, *_QUANTITIES, "authority"]).rename_columns(
        [*_FLOW_KEYS, *(f"kept_{name}" for name in _QUANTITIES), "best_authority"]
    )
    both = statements.join(kept, _FLOW_KEYS, join_type="inner")
    parts = []
    for name in _QUANTITIES:
        differing = both.filter(pc.fill_null(pc.not_equal(both[name], both[f"kept_{name}"]), False))
        parts.append(_conflict_rows(differing, name, differing[f"kept_{name}"], differing[name]))
    unknown = both.filter(pc.equal(both["best_authority"], _LARGER_AREA))
    nothing = pa.chunked_array([pa.nulls(unknown.num_rows, pa.string())])
    parts.append(_conflict_rows(unknown, "flow", nothing, unknown["inhabitants"]))
    return pa.concat_tables(parts)


def _conflict_rows(rows: pa.Table, quantity: str, kept: pa.ChunkedArray, stated: pa.ChunkedArray) -> pa.Table:
    columns = {
        **{name: rows[name] for name in _FLOW_KEYS},
        "quantity": pa.array([quantity] * rows.num_rows, pa.string()),
        "kept": kept.cast(pa.string()),
        "stated": stated.cast(pa.string()),
        "seen_at": rows["seen_at"],
    }
    return pa.table(columns, schema=CONFLICTS_SCHEMA)


def _region_conflicts(descriptions: Sequence[_Description]) -> pa.Table:
    """Other titles of a code, and begin dates that contradict the founding flow.

    The founding flow counts: the municipalities that went into it confirm its date.
    """
    rows = [(one, "region_name", one.title, title) for one in descriptions for title in one.other_titles]
    rows += [
        (one, "valid_from", str(one.founded), str(one.begun))
        for one in descriptions
        if one.founded and one.begun and one.founded != one.begun
    ]
    codes = [one.code for one, *_ in rows]
    return pa.table(
        {
            "from_code": pa.nulls(len(rows), pa.string()),
            "to_code": codes,
            "effective_date": [one.founded for one, *_ in rows],
            "quantity": [quantity for _, quantity, _, _ in rows],
            "kept": [kept for _, _, kept, _ in rows],
            "stated": [stated for _, _, _, stated in rows],
            "seen_at": codes,
        },
        schema=CONFLICTS_SCHEMA,
    )


def _province_changes(descriptions: Sequence[_Description], titles: Mapping[str, str]) -> pa.Table:
    provinces = {code: title for code, title in titles.items() if region_type(code) == "provincie"}
    code_of = {title.removesuffix("(PV)").strip(): code for code, title in provinces.items()}
    rows = [(one.code, *change) for one in descriptions for change in one.provinces]
    return pa.table(
        {
            "region_code": [code for code, _, _, _ in rows],
            "effective_date": [day for _, day, _, _ in rows],
            "from_province": [code_of.get(old, old) for _, _, old, _ in rows],
            "to_province": [code_of.get(new, new) for _, _, _, new in rows],
        },
        schema=PROVINCE_CHANGES_SCHEMA,
    )


def _line_table(rows: Sequence[tuple[str, int, str]]) -> pa.Table:
    columns = list(zip(*rows, strict=True)) or [(), (), ()]
    return pa.table([list(column) for column in columns], schema=LINES_SCHEMA)
