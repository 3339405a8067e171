"""A directory that was changed again and again is the one that would have been made of all at once."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from services.matching.domain.capacity import Load, capacity_of, with_loads
from services.matching.domain.directory import Directory
from services.matching.domain.places import Site
from services.matching.domain.therapists import Suspension, Therapist
from services.matching.handlers.roster import Roster
from tests.matching.conftest import Office
from tests.matching.examples import (
    CITIES,
    CLOSED,
    ISLAMABAD,
    LAHORE,
    NOW,
    POLICY,
    SITES,
    WITH_A_STEP,
    directory,
    therapist,
)

DAY = timedelta(days=1)


def some(codes: Sequence[Any], least: int = 0) -> Any:
    return st.lists(st.sampled_from(codes), unique=True, min_size=least).map(tuple)


SUSPENSIONS = st.sampled_from(
    [None, None, Suspension(NOW - DAY, None, "leave"), Suspension(NOW + DAY, None, "leave")]
)
PROFILES = st.fixed_dictionaries(
    {
        "profession": st.sampled_from([None, "psychiatrist", "lay_counsellor"]),
        "gender": st.sampled_from(["woman", "man"]),
        "languages": st.lists(
            st.tuples(st.sampled_from(["ur", "en", "pa"]), st.sampled_from(["native", "fluent", "working"])),
            unique_by=lambda one: one[0],
        ).map(tuple),
        "kinds": some(["individual", "couple"]),
        "modalities": some(["video", "phone", "in_person"]),
        "problem_areas": some(["anxiety", "grief", "ocd"]),
        "best_at": some(["anxiety", "grief"]),
        "steps": some([1, 2, 3, 4], 1),
        "age_bands": some(["18-24", "25-34"]),
        "sliding_fee": st.sampled_from([None, 100, 500]),
        "sliding_share": st.sampled_from([0, 50, 100]),
        "fee": st.sampled_from([500, 1000, 1500]),
        "coverage": some(["employer", "welfare-fund"]),
        "access": some(["hearing", "sign_language"]),
        "faith_sensitive": st.booleans(),
        "weekly_limit": st.integers(0, 25),
        "sites": some([LAHORE, ISLAMABAD, CLOSED, WITH_A_STEP]),
        "supervisor": st.sampled_from([None, UUID(int=7)]),
        "register_status": st.sampled_from(["verified", "pending", "expired"]),
        "valid_until": st.sampled_from([None, date(2026, 12, 31), date(2027, 2, 1)]),
        "status": st.sampled_from(["active", "active", "left"]),
        "suspension": SUSPENSIONS,
    }
)
CHANGES = st.dictionaries(st.integers(1, 12), PROFILES, min_size=1, max_size=4)
OPEN = st.lists(st.sampled_from([LAHORE, ISLAMABAD, WITH_A_STEP]), unique=True)


@given(st.lists(st.tuples(CHANGES, st.one_of(st.none(), OPEN)), min_size=1, max_size=6))
def test_any_sequence_of_changes_gives_what_would_be_made_anew(
    steps: list[tuple[dict[int, dict[str, Any]], list[UUID] | None]],
) -> None:
    everybody: dict[UUID, Therapist] = {}
    sites: Mapping[UUID, Site] = SITES
    known = directory([], sites)
    capacity = capacity_of(known, {}, POLICY.weeks)
    loads: dict[UUID, Load] = {}
    for number, (changes, opened) in enumerate(steps):
        changed = {(one := therapist(who, **said)).id: one for who, said in changes.items()}
        everybody |= changed
        known, places = known.changed(changed.values())
        capacity = capacity.changed(known, places, POLICY.weeks)
        if opened is not None:
            sites = {one: at for one, at in SITES.items() if one in opened}
            known = known.at_sites(sites, [everybody[one].profile.sites for one in known.ids])
        told = {one: Load(number, frozenset({"online"}), 1) for one in changed}
        loads |= told
        capacity = with_loads(capacity, known, told)
        shown(known.at(NOW))  # what is remembered of it is not to be taken for true afterwards
    event(f"{len(everybody)} therapists")
    anew = Directory(everybody.values(), sites, CITIES, POLICY.credentials)
    for moment in (NOW, NOW + 3 * DAY, NOW + 60 * DAY):
        assert shown(known.at(moment)) == shown(anew.at(moment))
    assert numbers(capacity) == numbers(capacity_of(anew, loads, POLICY.weeks))


def numbers(capacity: Any) -> list[Any]:
    columns = (capacity.total, capacity.open_load, capacity.sliding_total, capacity.sliding_load)
    return [*(one.tolist() for one in columns), dict(capacity.full)]


def shown(known: Directory) -> dict[str, Any]:
    """What it says to every question."""
    few = [(), ("anxiety",), ("grief", "ocd")]
    spoken = [(), ("ur",), ("pa", "en")]
    whom = np.arange(len(known.ids))
    said: dict[str, Any] = {
        "ids": known.ids,
        "numbers": known.number_of,
        "active": known.active,
        "everybody": known.everybody,
        "limits": known.weekly_limits,
        "shares": known.sliding_shares,
        "speaking": [known.speaking(one) for one in spoken],
        "places": [known.language_places(one) for one in spoken],
        "levels": [known.fluency_levels(one) for one in spoken],
        "covering": [known.covering(one) for one in few],
        "specialist": [known.no_specialist(one, whom) for one in few],
        "seeing": [known.seeing(one) for one in (None, "25-34", "60+")],
        "fees": [known.within(one) for one in (None, 0, 400, 500, 1000)],
        "paid": [known.accepting(one) for one in ((), ("employer",))],
        "sliding": [known.at_sliding_fee(one, ("employer",)) for one in (None, 100, 700, 1500)],
        "kind": known.taking("couple"),
        "gender": [known.of_gender("man"), known.no_wished_gender("man", whom), known.no_faith(whom)],
        "access": [known.giving_access(one) for one in (("hearing",), ("hearing", "sign_language"))],
        "ways": [known.offering(one) for one in ("video", "in_person")],
        "above": [known.steps_above(one, whom) for one in (1, 3)],
        "able": [known.practice.able(one, step, None) for one in few for step in (0, 1, 3, 4)],
        "allowed": [known.practice.permitted(None), known.practice.supervised("punjab")],
        "lanes": [known.practice.in_lane("online", None), known.practice.in_lane("in_person", None)],
        "near": [known.reach.near(one, 25) for one in (None, "Lahore", "Khuzdar")],
        "step free": known.reach.near("Lahore", 25, step_free=True),
        "km": known.reach.whole_kilometres("Islamabad"),
        "at": [known.reach.sites_near(one, "Lahore", 400) for one in range(len(known.ids))],
    }
    return {name: _plain(one) for name, one in said.items()}


def _plain(said: Any) -> Any:
    if isinstance(said, np.ndarray):
        return said.tolist()
    return [_plain(one) for one in said] if isinstance(said, list) else said


@given(CHANGES, CHANGES)
def test_a_directory_that_was_changed_stays_what_it_was(
    before: dict[int, dict[str, Any]], after: dict[int, dict[str, Any]]
) -> None:
    known = directory([therapist(who, **said) for who, said in before.items()])
    said = shown(known.at(NOW))
    known.changed([therapist(who, **said) for who, said in after.items()])
    assert shown(known.at(NOW)) == said


def test_what_one_therapist_changes_does_not_ask_again_where_the_others_are() -> None:
    known = directory([therapist(number, sites=(LAHORE,)) for number in range(1, 9)])
    after, _ = known.changed([therapist(3, sites=(LAHORE,), fee=2000)])
    assert after.reach is known.reach
    moved, _ = known.changed([therapist(3, sites=(ISLAMABAD,))])
    assert moved.reach.near("Lahore", 25).bit_count() == 7


async def test_others_are_served_while_a_change_is_taken_in(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    await office.describe(1)
    make, served = Roster._changed, 0

    def slowly(*arguments: Any) -> Any:
        time.sleep(0.3)
        return make(*arguments)

    async def serve() -> None:
        nonlocal served
        while True:
            await asyncio.sleep(0.01)
            served += 1

    monkeypatch.setattr(Roster, "_changed", slowly)
    others = asyncio.create_task(serve())
    async with office.database.transaction() as tx:
        found, _ = await office.roster.look(tx)
    others.cancel()
    assert len(found.ids) == 1
    assert served > 5
