"""What the benchmark of costs is declared with: the opgaven of 003, the items below them, and whom to compare with.

What belongs here: what one entry of `opgaven.yml` or `reference_groups.yml` must look like by itself. What does not:
whether the entries fit each other (`benchmark_checks`), the tables they stand for (`benchmark_tables`), and any
figure.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from pipelines.declarations.iv3 import TaakveldCode
from pipelines.declarations.policy import Opgave as OpgaveName
from pipelines.declarations.strict import Strict

_ID = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
_Region = Annotated[str, Field(pattern=r"^[A-Z]{2,}[A-Z0-9-]*$")]
_Text = Annotated[str, Field(min_length=1)]
_Item = Annotated[str, Field(pattern=r"^[0-9a-z][0-9a-z._-]*$")]


class Opgave(Strict):
    """One of the tasks that a council sets itself in the social domain, or `overkoepelend` for what serves several."""

    opgave: _ID
    label_nl: OpgaveName | Literal["overkoepelend"]
    reference: _Text


class OpgaveTaakveld(Strict):
    """A taakveld of Iv3 under its opgave, with a label that says what it is about in every regime that knows it."""

    taakveld: TaakveldCode
    label_nl: _Text
    opgave: _ID
    because: str | None = None


class MirroredItems(Strict):
    """Taakvelden of one opgave on which municipalities book one thing differently, and the item that is their sum.

    It stands in the regimes that know all of them.
    """

    item: _Item
    label_nl: _Text
    taakvelden: Annotated[tuple[TaakveldCode, ...], Field(min_length=2)]
    because: _Text

    @model_validator(mode="after")
    def _each_once(self) -> MirroredItems:
        if len(set(self.taakvelden)) != len(self.taakvelden):
            raise ValueError("found a taakveld twice, expected every taakveld once")
        return self


class OpgaveGroup(Strict):
    """A group of taakvelden that compares over the regimes (`iv3_groups.yml`), under its opgave."""

    group_id: _ID
    opgave: _ID


class ItemCaution(Strict):
    """What a reader of a taakveld's figures has to know, in the years and the country that it holds for.

    It is said of the sums that the taakveld is part of as well. What only has to be known of a whole opgave, or of
    `sociaal_domein`, names those instead.
    """

    taakvelden: tuple[TaakveldCode, ...] = ()
    opgaven: tuple[_ID, ...] = ()
    first_year: int
    last_year: int | None = None
    country_code: _Region
    caution_nl: _Text
    reference: _Text

    @model_validator(mode="after")
    def _is_of_something(self) -> ItemCaution:
        if bool(self.taakvelden) == bool(self.opgaven):
            raise ValueError("found both or neither of taakvelden and opgaven, expected one")
        return self

    @model_validator(mode="after")
    def _is_a_span(self) -> ItemCaution:
        if self.last_year is not None and self.last_year < self.first_year:
            raise ValueError(f"found a last year {self.last_year} before {self.first_year}, expected a span")
        return self


class ReferenceGroup(Strict):
    """Whom a municipality is compared with.

    `chosen`: the `members`, by hand, for each of `regions`. `nearest`: for every municipality the `size` others of its
    country that are most like it on the structure characteristics.
    """

    reference_group: _ID
    label_nl: _Text
    kind: Literal["chosen", "nearest"]
    regions: tuple[_Region, ...] = ()
    members: tuple[_Region, ...] = ()
    size: Annotated[int, Field(ge=1)] | None = None
    reference: _Text

    @model_validator(mode="after")
    def _consistent(self) -> ReferenceGroup:
        if self.kind == "chosen" and not (self.regions and self.members):
            raise ValueError("found a chosen group without regions or members, expected both")
        if self.kind == "chosen" and self.size is not None:
            raise ValueError("found a size of a chosen group, expected its members only")
        if self.kind == "nearest" and (self.size is None or self.regions or self.members):
            raise ValueError("found a group of nearest neighbours, expected a size, and no regions or members")
        if len(set(self.members)) != len(self.members):
            raise ValueError("found a member twice, expected every member once")
        if both := sorted(set(self.regions) & set(self.members)):
            raise ValueError(f"found {both[0]} as its own reference, expected other members")
        return self


class StructureCharacteristic(Strict):
    """A feature of a municipality that it cannot choose and that costs depend on.

    `log`: what counts is how many times larger, not by how much.
    """

    characteristic: _ID
    label_nl: _Text
    indicator_id: _ID
    transform: Literal["none", "log"] = "none"
    because: _Text
