"""Hours are held, confirmed, given back, run out, and are booked by others meanwhile: always as a list on paper says."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from deploy.local.postgres import PostgresServer
from services.scheduling.domain.holds import Hold, Wanted
from services.scheduling.domain.refusals import Refused
from services.scheduling.domain.wall_time import minute_of
from services.scheduling.handlers import changing
from services.scheduling.repository.turns import turns
from shared.contracts.matching import MatchMade
from tests.machines import Machine, run_machine
from tests.scheduling import test_holds as holding
from tests.scheduling import world
from tests.scheduling.reference import rule as opens
from tests.scheduling.store import NOW, Store, empty_store

FIRST = NOW + timedelta(days=1, hours=2)  # tomorrow at noon
STARTS = [FIRST + timedelta(hours=hour) for hour in range(4)]
LIMITS = (3, 2)
BOOKED = "SELECT case_id, therapist_id, starts_at FROM scheduling.appointments WHERE state = 'booked'"
HELD = "SELECT hold_id FROM scheduling.holds WHERE state = 'held' AND held_until > $1"
USED = "SELECT therapist_id, used FROM scheduling.weekly_load WHERE used > 0"
therapists, cases, hours = st.integers(0, 1), st.integers(0, 2), st.sampled_from(STARTS)


@dataclass(slots=True)
class Kept:
    """A hold on paper."""

    hold: Hold
    case: int
    therapist: UUID
    start: datetime
    until: datetime
    state: str = "held"


class Holding(Machine):
    """Three cases whose hour fell through, two therapists with four hours tomorrow and few in the week."""

    def __init__(self, runner: Any, store: Store) -> None:
        super().__init__(runner, store)
        self.store = store
        store.now = NOW
        self.holds: list[Kept] = []
        self.booked: dict[UUID, tuple[UUID, datetime]] = {}

    @initialize()
    def begin(self) -> None:
        self.run(self._begin())

    async def _begin(self) -> None:
        self.cases: list[MatchMade] = [await holding.given_back(self.store) for _ in range(3)]
        rules = [opens(2, "12:00", "16:00")]
        self.limits = {
            await world.add_therapist(
                self.store, rules, buffer=0, notice=0, horizon=5, weekly_limit=limit
            ): limit
            for limit in LIMITS
        }
        self.therapists = list(self.limits)

    def _live(self, one: Kept) -> bool:
        return one.state == "held" and one.until > self.store.now

    def _taken(self, therapist: UUID) -> list[datetime]:
        held = [one.start for one in self.holds if one.therapist == therapist and self._live(one)]
        return held + [start for who, start in self.booked.values() if who == therapist]

    def _refusal(self, case: int, therapist: UUID, start: datetime) -> str | None:
        if self.cases[case].case_id in self.booked:
            return "already_booked"
        if any(one.case == case and self._live(one) for one in self.holds):
            return "already_held"
        taken = self._taken(therapist)
        return "slot_taken" if start in taken or len(taken) >= self.limits[therapist] else None

    @rule(case=cases, who=therapists, start=hours, minutes=st.sampled_from([5, 30, 60]))
    def an_hour_is_held(self, case: int, who: int, start: datetime, minutes: int) -> None:
        therapist = self.therapists[who]
        expected = self._refusal(case, therapist, start)
        wanted = Wanted(self.cases[case].case_id, therapist, minute_of(start), "video", None, minutes)
        hold, refused = self._tried(holding.hold(self.store, wanted))
        assert refused == expected
        if hold is None:
            return
        until = self.store.now + timedelta(minutes=minutes)
        assert hold.held_until == until
        self.holds.append(Kept(hold, case, therapist, start, until))

    def _tried(self, work: Any) -> tuple[Any, str | None]:
        """What came of it, and why it was refused."""
        try:
            return self.run(work), None
        except Refused as refused:
            return None, refused.code

    def _any(self, data: st.DataObject) -> Kept:
        return self.holds[data.draw(st.integers(0, len(self.holds) - 1))]

    @precondition(lambda self: self.holds)
    @rule(data=st.data())
    def a_hold_is_confirmed(self, data: st.DataObject) -> None:
        one = self._any(data)
        _, refused = self._tried(holding.confirm(self.store, one.hold))
        if one.state != "confirmed" and not self._live(one):
            assert refused == ("already_released" if one.state == "released" else "hold_expired")
            return
        assert refused is None
        if one.state == "held":
            self.booked[one.hold.case_id] = one.therapist, one.start
        one.state = "confirmed"

    @precondition(lambda self: self.holds)
    @rule(data=st.data())
    def a_hold_is_given_back(self, data: st.DataObject) -> None:
        one = self._any(data)
        _, refused = self._tried(holding.give_back(self.store, one.hold))
        assert refused == ("already_confirmed" if one.state == "confirmed" else None)
        if one.state == "held":
            one.state = "released" if self._live(one) else "expired"

    @rule(minutes=st.sampled_from([1, 5, 29, 40]))
    def time_passes(self, minutes: int) -> None:
        self.store.now += timedelta(minutes=minutes)

    @precondition(lambda self: self.holds)
    @rule(data=st.data())
    def the_sweeper_comes(self, data: st.DataObject) -> None:
        """With one that is over, or was confirmed or given back, or too early."""
        one = self._any(data)
        self.run(holding.comes_due(self.store, one.hold))
        if one.state == "held" and not self._live(one):
            one.state = "expired"

    @rule(who=therapists)
    def somebody_else_is_matched(self, who: int) -> None:
        therapist = self.therapists[who]
        made = world.match(therapist, earliest=FIRST, latest=STARTS[-1] + timedelta(hours=1))
        self.run(self.store.hear(made))
        free = [start for start in STARTS if start not in self._taken(therapist)]
        if free and len(self._taken(therapist)) < self.limits[therapist]:
            self.booked[made.case_id] = therapist, free[0]

    @precondition(lambda self: self.booked)
    @rule(data=st.data())
    def an_hour_is_cancelled(self, data: st.DataObject) -> None:
        case = data.draw(st.sampled_from(list(self.booked)))
        row = self.run(self._appointment(case))
        self.run(turns(self.store.database)(
            lambda tx: changing.cancel(tx, row["appointment_id"], holding.COORDINATOR, "cannot_come", row["version"])
        ))  # fmt: skip
        del self.booked[case]

    async def _appointment(self, case: UUID) -> dict[str, Any]:
        (row,) = await self.store.rows(
            "SELECT * FROM scheduling.appointments WHERE case_id = $1 AND state = 'booked'", case
        )
        return row

    @invariant()
    def it_is_as_on_paper(self) -> None:
        booked = self.run(self.store.rows(BOOKED))
        assert {row["case_id"]: (row["therapist_id"], row["starts_at"]) for row in booked} == self.booked
        held = self.run(self.store.rows(HELD, self.store.now))
        assert {row["hold_id"] for row in held} == {one.hold.id for one in self.holds if self._live(one)}
        assert self.run(self.store.wrong()) == []

    @invariant()
    def no_week_has_more_than_the_limit(self) -> None:
        for row in self.run(self.store.rows(USED)):
            assert row["used"] <= self.limits.get(row["therapist_id"], 0)

    def teardown(self) -> None:
        self.run(self.store.empty())


def test_whatever_becomes_of_holds_nobody_is_kept_from_a_free_hour(
    postgres_server: PostgresServer, migrated: str
) -> None:
    run_machine(Holding, empty_store(postgres_server, migrated), examples=12, steps=25)
