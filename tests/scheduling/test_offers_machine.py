"""Hours are kept for whoever chooses, chosen, declined, run out, and are booked by others meanwhile: always as a list on
paper says."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from deploy.local.postgres import PostgresServer
from shared.contracts.matching import MatchMade
from shared.contracts.scheduling import AppointmentHeld
from tests.machines import Machine, run_machine
from tests.scheduling import test_offers, world
from tests.scheduling.reference import rule as opens
from tests.scheduling.store import NOW, Store, empty_store

FIRST = NOW + timedelta(days=1, hours=2)  # tomorrow at noon
STARTS = [FIRST + timedelta(hours=hour) for hour in range(5)]
LIMITS = (4, 9)
BOOKED = "SELECT case_id, therapist_id, starts_at FROM scheduling.appointments WHERE state = 'booked'"
HELD = """
SELECT case_id, therapist_id, starts_at FROM scheduling.holds WHERE state = 'held' AND held_until > $1
"""
Hour = tuple[UUID, datetime]
cases, therapists = st.integers(0, 4), st.integers(0, 1)


@dataclass(slots=True)
class Case:
    """One on paper: its last match, the hour that is kept or was, and the one that is booked."""

    id: UUID
    made: MatchMade | None = None
    attempt: int = 0
    offered: bool = False
    kept: Hour | None = None
    until: datetime = NOW
    booked: Hour | None = None


class Choosing(Machine):
    """Five cases that choose, two therapists with five hours tomorrow, of whom one has few places in the week."""

    def __init__(self, runner: Any, store: Store) -> None:
        super().__init__(runner, store)
        self.store = store
        store.now = NOW
        self.cases = [Case(uuid4()) for _ in range(5)]
        self.others: dict[UUID, Hour] = {}

    @initialize()
    def begin(self) -> None:
        self.run(self._begin())

    async def _begin(self) -> None:
        rules = [opens(2, "12:00", "17:00")]
        self.limits = {
            await world.add_therapist(
                self.store, rules, buffer=0, notice=0, horizon=5, weekly_limit=limit
            ): limit
            for limit in LIMITS
        }

    def _live(self, one: Case) -> Hour | None:
        return one.kept if one.until > self.store.now else None

    def _free(self, therapist: UUID) -> list[datetime]:
        """By the list: none at all when the week is full."""
        kept = [hour for one in self.cases if (hour := self._live(one))]
        booked = [one.booked for one in self.cases if one.booked]
        taken = [start for who, start in (*kept, *booked, *self.others.values()) if who == therapist]
        full = len(taken) >= self.limits[therapist]
        return [] if full else [start for start in STARTS if start not in taken]

    def _spare(self, therapist: UUID) -> list[datetime]:
        """What may be kept: two must be free, in the diary and in the week, and so many only be kept."""
        kept = [hour for one in self.cases if (hour := self._live(one)) and hour[0] == therapist]
        free = self._free(therapist)
        last_place = self.limits[therapist] - (len(STARTS) - len(free)) < 2
        return [] if len(kept) >= max(1, self.limits[therapist] // 4) or len(free) < 2 or last_place else free

    @rule(case=cases, turned=st.booleans(), minutes=st.sampled_from([0, 20, 60]))
    def somebody_is_offered(self, case: int, turned: bool, minutes: int) -> None:
        one, order = self.cases[case], list(self.limits)[:: -1 if turned else 1]
        one.attempt, one.kept, one.booked = one.attempt + 1, None, None
        one.made = test_offers.offer(
            *order, case_id=one.id, attempt=one.attempt, earliest=FIRST, latest=STARTS[-1] + timedelta(hours=1),
            expires_at=self.store.now + timedelta(minutes=minutes),
        )  # fmt: skip
        one.offered = True
        if minutes:
            free = [(who, start) for who in order for start in self._spare(who)]
            one.kept = free[0] if free else None
            one.until = self.store.now + timedelta(minutes=minutes) + test_offers.GRACE
        self.run(self.store.hear(one.made))

    @rule(case=cases, which=therapists)
    def somebody_chooses(self, case: int, which: int) -> None:
        one = self.cases[case]
        if one.made is None:
            return
        chosen = one.made.candidates[which].therapist_id
        self.run(self.store.hear(test_offers.choice(one.made, chosen)))
        if not one.offered:
            return
        hour, one.offered, one.kept = self._live(one), False, None
        if hour and hour[0] == chosen:
            one.booked = hour
        else:
            free = self._free(chosen)
            one.booked = (chosen, free[0]) if free else None

    @rule(case=cases)
    def somebody_declines(self, case: int) -> None:
        one = self.cases[case]
        if one.made is not None:
            self.run(self.store.hear(world.withdrawal(one.made)))
            one.offered, one.kept, one.booked = False, None, None

    @rule(case=cases)
    def an_offer_is_told_again(self, case: int) -> None:
        if (made := self.cases[case].made) is not None:
            self.run(self.store.hear(made))

    @rule(minutes=st.sampled_from([1, 5, 29, 40]))
    def time_passes(self, minutes: int) -> None:
        self.store.now += timedelta(minutes=minutes)

    @rule(data=st.data())
    def the_sweeper_comes(self, data: st.DataObject) -> None:
        """For one that is over, was taken or given back, or is too early."""
        held: Sequence[AppointmentHeld] = self.run(self.store.said(AppointmentHeld))
        if held:
            self.run(test_offers.comes_due(self.store, data.draw(st.sampled_from(held))))

    @rule(which=therapists)
    def somebody_else_is_matched(self, which: int) -> None:
        therapist = list(self.limits)[which]
        made = world.match(therapist, earliest=FIRST, latest=STARTS[-1] + timedelta(hours=1))
        self.run(self.store.hear(made))
        if free := self._free(therapist):
            self.others[made.case_id] = therapist, free[0]

    @precondition(lambda self: self.others)
    @rule(data=st.data())
    def somebody_else_withdraws(self, data: st.DataObject) -> None:
        case = data.draw(st.sampled_from(list(self.others)))
        self.run(self.store.hear(world.withdrawal(world.match(uuid4(), case_id=case))))
        del self.others[case]

    @invariant()
    def it_is_as_on_paper(self) -> None:
        booked = self.run(self.store.rows(BOOKED))
        on_paper = {one.id: one.booked for one in self.cases if one.booked} | self.others
        assert {row["case_id"]: (row["therapist_id"], row["starts_at"]) for row in booked} == on_paper
        held = self.run(self.store.rows(HELD, self.store.now))
        kept = {one.id: hour for one in self.cases if (hour := self._live(one))}
        assert {row["case_id"]: (row["therapist_id"], row["starts_at"]) for row in held} == kept
        assert self.run(self.store.wrong()) == []

    def teardown(self) -> None:
        self.run(self.store.empty())


def test_whatever_becomes_of_offers_nobody_loses_what_was_kept_for_them(
    postgres_server: PostgresServer, migrated: str
) -> None:
    run_machine(Choosing, empty_store(postgres_server, migrated), examples=12, steps=30)
