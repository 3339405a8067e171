"""What a profession may do with the status of its credential, and under which title: a table, not a flag.

Some professions have no register, so `licensed: yes or no` would be wrong for them: `no-register-exists` is a status
with a title. Rows may differ by the province of the person who is seen, for registers and laws do.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from services.matching.domain.vocabulary import HIGHEST_STEP, LANES, Lane, RegisterStatus

ANY = "any"


class Row(NamedTuple):
    """To what a row applies; `any` stands for every profession, or every province."""

    profession: str
    province: str
    status: str


@dataclass(frozen=True, slots=True)
class Allowance:
    """What may be done: nothing at all, or these lanes and steps, perhaps only with a supervisor."""

    title: str
    may_practise: bool
    lanes: tuple[Lane, ...] = LANES
    steps: tuple[int, ...] = tuple(range(1, HIGHEST_STEP + 1))
    needs_supervision: bool = False
    note: str = ""


UNKNOWN = Allowance("", False, (), (), note="No row of the table speaks of this credential.")


@dataclass(frozen=True, slots=True)
class Validity:
    """A credential with a last day counts to the end of it in `zone`; then its status is that of `lapses_to`. A status
    that does not stand there does not run out. Coordinators are told `warning` before."""

    zone: str = "UTC"
    warning: timedelta = timedelta()
    lapses_to: Mapping[str, RegisterStatus] = field(default_factory=dict)

    def ends(self, status: str, last_day: date | None) -> datetime | None:
        """The first moment at which it does not count any more; None if it has no end."""
        if last_day is None or status not in self.lapses_to:
            return None
        midnight = datetime.combine(last_day + timedelta(days=1), time(), ZoneInfo(self.zone))
        return midnight.astimezone(UTC)

    def at(self, status: RegisterStatus, last_day: date | None, now: datetime) -> RegisterStatus:
        """The status that counts at this moment."""
        ends = self.ends(status, last_day)
        return self.lapses_to[status] if ends is not None and ends <= now else status


class CredentialTable:
    """The most particular row counts: profession before province, both before `any`."""

    def __init__(self, version: str, rows: Mapping[Row, Allowance], validity: Validity | None = None) -> None:
        self.version = version
        self.validity = validity or Validity()
        self._rows = dict(rows)
        self._provinces = {row.province for row in rows} - {ANY}

    def province(self, province: str | None) -> str:
        """The province as far as the table tells it from the others."""
        return province if province in self._provinces else ANY

    def allowance(self, profession: str | None, status: str, province: str | None = None) -> Allowance:
        """What somebody of this profession and status may do for people there; nothing, if no row says so."""
        for named in dict.fromkeys((profession or ANY, ANY)):
            for place in dict.fromkeys((self.province(province), ANY)):
                if found := self._rows.get(Row(named, place, status)):
                    return found
        return UNKNOWN
