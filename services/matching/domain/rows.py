"""Who has which mark, as rows of bits; and what becomes of rows and columns when a few therapists are others.

Nothing is altered: rows and columns after a change are new ones, and what the change does not touch is copied as it is, so
that a change of one among a hundred thousand costs what copying costs.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import and_, or_
from typing import Any

import numpy as np

from services.matching.domain.bits import Bits, Numbers, members, pack, row_of, unpack

Mark = tuple[Any, ...]  # an attribute and one of its codes


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """Where therapists stand after a change: `kept` are the numbers of those who were there before, in their order, `changed`
    of those who are new or described anew, `count` is how many there are."""

    count: int
    kept: Numbers
    changed: Numbers

    @property
    def same(self) -> bool:
        """Whether everybody has the number that they had."""
        return self.count == len(self.kept)

    def column(self, before: Numbers, changed: Numbers | int | None = None) -> Numbers:
        """The column after the change; with None whoever was there keeps theirs, and who is new has 0."""
        after = np.zeros(self.count, before.dtype)
        after[self.kept] = before
        if changed is not None:
            after[self.changed] = changed
        return after

    def row(self, before: Bits) -> Bits:
        """The row with everybody as they were, and nobody who is new."""
        if self.same or not before:
            return before
        flags = np.zeros(self.count, bool)
        flags[self.kept] = unpack(before, len(self.kept))
        return pack(flags)

    def row_of_changed(self, few: Bits) -> Bits:
        """A row of those who changed, numbered by themselves, as a row of all."""
        return row_of(self.changed[members(few)], self.count)


class Rows:
    """A row for each mark; a mark that nobody has is a row without a bit, whatever it is."""

    def __init__(self, rows: Mapping[Mark, Bits], count: int) -> None:
        self._rows = rows
        self.count = count

    @classmethod
    def of(cls, marks: Iterable[Iterable[Mark]]) -> "Rows":
        """From the marks of each therapist, by number."""
        who: dict[Mark, list[int]] = {}
        count = 0
        for number, theirs in enumerate(marks):
            count = number + 1
            for mark in theirs:
                who.setdefault(mark, []).append(number)
        return cls({mark: row_of(numbers, count) for mark, numbers in who.items()}, count)

    @property
    def everybody(self) -> Bits:
        return (1 << self.count) - 1

    def having(self, *mark: Hashable) -> Bits:
        """Who has this mark."""
        return self._rows.get(mark, 0)

    def any(self, attribute: str, codes: Iterable[Hashable]) -> Bits:
        """Who has at least one of these codes."""
        return reduce(or_, (self.having(attribute, code) for code in codes), 0)

    def all(self, attribute: str, codes: Iterable[Hashable]) -> Bits:
        """Who has every one of them; of none, everybody."""
        return reduce(and_, (self.having(attribute, code) for code in codes), self.everybody)

    def marks(self, attribute: str) -> list[Mark]:
        """Those of this attribute that somebody has or had."""
        return [mark for mark in self._rows if mark[0] == attribute]

    def changed(self, places: Places, few: "Rows") -> "Rows":
        """The same after a change; `few` are the rows of those who changed, numbered by themselves."""
        others = ~row_of(places.changed, places.count)
        rows = {mark: places.row(row) & others for mark, row in self._rows.items()}
        for mark, row in few._rows.items():
            rows[mark] = rows.get(mark, 0) | places.row_of_changed(row)
        return Rows(rows, places.count)

    def exchanged(self, marks: Mapping[tuple[Mark, Mark], Sequence[int]]) -> "Rows":
        """The same where these therapists have the second mark instead of the first."""
        rows = dict(self._rows)
        for (before, after), numbers in marks.items():
            row = row_of(numbers, self.count)
            rows[before] = rows.get(before, 0) & ~row
            rows[after] = rows.get(after, 0) | row
        return Rows(rows, self.count)
