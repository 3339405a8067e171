"""The hour that is kept while its person chooses, as scheduling says it: shown while it may be taken, in whatever order the
topics are read."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.states import Progress, advance, standing
from services.intake.handlers.progress import OfACase, facts_of, kept_hours_of
from services.intake.handlers.submission import Desk
from shared.contracts.matching import MatchOffered
from shared.contracts.scheduling import AppointmentBooked, AppointmentHeld, AppointmentReleased
from tests.intake.conftest import IntakeDatabase
from tests.intake.test_offers import CASE, PERSON, accepted, declined, offered
from tests.intake.test_progress import T0, appointment, hear, match_made, opened, seen

LATER = datetime.now(UTC) + timedelta(days=1)


def kept(offer: MatchOffered, version: int = 1, **changes: Any) -> AppointmentHeld:
    """An hour with the first who is offered."""
    hour = appointment(AppointmentBooked, offer.case_id, offer.attempt, version).model_dump()
    usual = {"therapist_id": offer.options[0].therapist_id, "match_id": offer.match_id, "take_by": LATER}
    return AppointmentHeld(**hour | usual | {"held_until": LATER + timedelta(minutes=10)} | changes)


def released(hour: AppointmentHeld) -> AppointmentReleased:
    return AppointmentReleased(**hour.model_dump() | {"version": hour.version + 1, "reason": "expired"})


def folded(events: Sequence[OfACase]) -> Progress:
    progress = Progress(CASE, PERSON, "open", T0, None)
    for event in events:
        progress = advance(progress, facts_of(event, T0), [], [], kept_hours_of(event))
    return progress


FIRST, SECOND = offered(CASE, 1), offered(CASE, 2).model_copy(update={"match_id": uuid4()})
ALL: list[OfACase] = [
    FIRST, kept(FIRST), released(kept(FIRST)), declined(CASE, 1), SECOND, kept(SECOND),
    accepted(CASE, 2), match_made(CASE, 2), appointment(AppointmentBooked, CASE, 2, 2),
]  # fmt: skip
# Whether an hour is shown after each part of the story.
SHOWN = [False, True, False, False, False, True, False, False, False]


@given(st.data())
def test_after_each_part_of_the_story_an_hour_is_shown_as_long_as_it_may_be_taken(
    data: st.DataObject,
) -> None:
    length = data.draw(st.integers(1, len(ALL)))
    known = data.draw(st.permutations(ALL[:length]))
    again = data.draw(st.lists(st.sampled_from(known), max_size=3))
    stands = standing(folded([*known, *again]))
    assert (stands.kept is not None) == SHOWN[length - 1]
    assert stands == standing(folded(ALL[:length]))


async def test_the_hour_is_shown_with_whom_it_is_until_it_is_kept_no_more(
    store: IntakeDatabase, desk: Desk
) -> None:
    case_id, code = await opened(store, desk)
    offer = offered(case_id, 1)
    await hear(store, kept(offer))  # its topic was read first
    assert (await seen(store, code)).kept is None
    await hear(store, offer)
    view = await seen(store, code)
    assert view.kept is not None
    assert (view.kept.therapist_id, view.kept.take_by) == (view.options[0].therapist_id, LATER)
    before = view.version
    await hear(store, released(kept(offer)))
    view = await seen(store, code)
    assert (view.standing.state, view.kept, view.version) == ("offered", None, before + 1)


async def test_an_hour_whose_time_is_up_is_not_shown_though_nobody_has_said_so(
    store: IntakeDatabase, desk: Desk
) -> None:
    case_id, code = await opened(store, desk)
    offer = offered(case_id, 1)
    await hear(store, offer, kept(offer, take_by=datetime.now(UTC)))
    view = await seen(store, code)
    assert (view.standing.state, view.kept) == ("offered", None)


async def test_an_hour_of_another_offer_or_that_staff_keep_is_not_shown(
    store: IntakeDatabase, desk: Desk
) -> None:
    case_id, code = await opened(store, desk)
    offer = offered(case_id, 2)
    await hear(store, offer, kept(offer, match_id=UUID(int=5)))
    assert (await seen(store, code)).kept is None
    await hear(store, kept(offer, 2, take_by=None))
    assert (await seen(store, code)).kept is None


async def test_an_offer_of_before_that_names_nobody_is_read_as_it_was(
    store: IntakeDatabase, desk: Desk
) -> None:
    case_id, code = await opened(store, desk)
    await hear(store, offered(case_id, 1))
    await store.admin.execute(
        "UPDATE intake.standings SET options = (SELECT jsonb_agg(o - 'therapist_id') FROM jsonb_array_elements(options) o)"
    )
    [option] = (await seen(store, code)).options
    assert option.therapist_id is None


async def test_a_match_that_is_to_be_kept_only_is_none_yet(store: IntakeDatabase, desk: Desk) -> None:
    case_id, code = await opened(store, desk)
    to_keep = match_made(case_id, 1).model_copy(update={"mode": "offer", "expires_at": LATER})
    await hear(store, offered(case_id, 1), to_keep)
    assert (await seen(store, code)).standing.state == "offered"
