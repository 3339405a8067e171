"""Offers and other help, as matching says them: whatever the order, the person sees what they can do now."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, get_args
from uuid import UUID, uuid4

import httpx2
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.states import Progress, advance, standing
from services.intake.domain.vocabulary import Gate
from services.intake.handlers.progress import OfACase, alternatives_of, facts_of
from services.intake.handlers.submission import Desk
from services.intake.settings.data_files import read_policy
from services.matching.domain.alternatives import AlternativeKind
from services.matching.domain.offers import DeclineReason
from services.matching.domain.sieve import OTHER_REASONS, REASONS
from shared.contracts.matching import (
    AlternativeOffered,
    MatchAccepted,
    MatchDeclined,
    MatchOffered,
    OfferExpired,
    Option,
)
from shared.contracts.scheduling import AppointmentBooked
from shared.contracts.told import WAIT_REASONS
from tests.intake.conftest import IntakeDatabase
from tests.intake.test_over_http import case_id_of, come_back
from tests.intake.test_progress import (
    MATCH,
    T0,
    appointment,
    hear,
    match_made,
    opened,
    seen,
    waitlisted,
)

TOLD = read_policy().told
CASE, PERSON = UUID(int=7), UUID(int=8)
ENDS = T0 + timedelta(days=3)


def said(event: type[Any], case_id: UUID, attempt: int, **more: Any) -> Any:
    return event(case_id=case_id, person_id=PERSON, attempt=attempt, **more)


def offered(case_id: UUID, attempt: int) -> MatchOffered:
    facts = {"gender": "woman", "languages": ("ur", "en"), "fee": 1500, "sliding_fee": 500, "within_km": 5}
    option = Option(option_id=uuid4(), therapist_id=uuid4(), modality="video").model_copy(update=facts)
    about = {"match_id": MATCH, "options": (option,), "expires_at": ENDS, "offered_at": T0}
    return MatchOffered(**said(MatchOffered, case_id, attempt, **about).model_dump())


def declined(case_id: UUID, attempt: int) -> MatchDeclined:
    made: MatchDeclined = said(
        MatchDeclined, case_id, attempt, match_id=MATCH, reason="too_far", declined_at=T0
    )
    return made


def accepted(case_id: UUID, attempt: int) -> MatchAccepted:
    made: MatchAccepted = said(
        MatchAccepted, case_id, attempt, match_id=MATCH, option_id=uuid4(), accepted_at=T0
    )
    return made


def expired(case_id: UUID, attempt: int) -> OfferExpired:
    made: OfferExpired = said(OfferExpired, case_id, attempt, match_id=MATCH, expired_at=ENDS)
    return made


def other_help(case_id: UUID, attempt: int, kind: str = "self_help") -> AlternativeOffered:
    made: AlternativeOffered = said(AlternativeOffered, case_id, attempt, kind=kind, offered_at=T0)
    return made


# Declined, then nobody chose in time and the case waited with other help, then chosen, and an hour was found.
STORY: list[tuple[OfACase, str, str]] = [
    (offered(CASE, 1), "offered", "choose_therapist"),
    (declined(CASE, 1), "matching", "wait"),
    (offered(CASE, 2), "offered", "choose_therapist"),
    (expired(CASE, 2), "matching", "wait"),
    (waitlisted(CASE, 2), "waitlisted", "wait"),
    (other_help(CASE, 2), "waitlisted", "try_alternative"),
    (waitlisted(CASE, 3), "waitlisted", "try_alternative"),
    (offered(CASE, 4), "offered", "choose_therapist"),
    (accepted(CASE, 4), "matching", "wait"),
    (match_made(CASE, 4), "matching", "wait"),
    (appointment(AppointmentBooked, CASE, 4, 1), "booked", "look_up_the_hour"),
]


def folded(events: Sequence[OfACase], batch: int) -> Progress:
    progress = Progress(CASE, PERSON, "open", T0, None)
    for start in range(0, len(events), batch):
        part = events[start : start + batch]
        facts = [fact for event in part for fact in facts_of(event, T0)]
        progress = advance(progress, facts, [], [one for event in part for one in alternatives_of(event)])
    return progress


@given(st.data(), st.integers(1, 5))
def test_after_each_part_of_a_story_of_offers_the_person_sees_what_to_do(
    data: st.DataObject, batch: int
) -> None:
    length = data.draw(st.integers(1, len(STORY)))
    known = data.draw(st.permutations([event for event, *_ in STORY[:length]]))
    stands = standing(folded(known, batch))
    assert (stands.state, stands.next_step) == STORY[length - 1][1:]


@given(st.data(), st.integers(1, 5), st.integers(1, 5))
def test_any_part_of_the_topics_read_in_any_order_and_again_gives_the_same_standing(
    data: st.DataObject, batch: int, other: int
) -> None:
    events = [event for event, *_ in STORY]
    told = data.draw(st.lists(st.sampled_from(range(len(events))), unique=True))
    order = data.draw(st.permutations(told))
    again = data.draw(st.lists(st.sampled_from(told), max_size=3)) if told else []
    first = folded([events[place] for place in told], batch)
    second = folded([events[place] for place in [*order, *again]], other)
    assert replace(first, version=0) == replace(second, version=0)


async def test_other_help_leaves_the_place_the_reason_and_the_promised_date(
    store: IntakeDatabase, desk: Desk
) -> None:
    case_id, code = await opened(store, desk)
    await hear(store, waitlisted(case_id, 1))
    before = (await seen(store, code)).standing
    await hear(store, other_help(case_id, 1, "family_doctor"))
    view = await seen(store, code)
    assert view.standing == replace(before, next_step="try_alternative", alternative="family_doctor")
    assert (view.standing.waiting_on, view.version) == ("capacity", 3)
    await hear(store, match_made(case_id, 2))
    stands = (await seen(store, code)).standing
    assert (stands.state, stands.alternative) == ("matching", None)


async def test_an_offer_links_to_where_it_is_chosen_until_it_is_decided(
    people: httpx2.AsyncClient, store: IntakeDatabase
) -> None:
    path, session = await come_back(people)
    case_id = await case_id_of(store, path)
    await hear(store, offered(case_id, 1))
    body = (await people.get(path, headers=session)).json()
    assert (body["state"], body["waiting_on"], body["next_step"]) == ("offered", "person", "choose_therapist")
    assert body["until"] == ENDS.isoformat()
    assert body["links"]["choose"] == f"/v1/matches/{MATCH}"
    await hear(store, accepted(case_id, 1), match_made(case_id, 1))
    body = (await people.get(path, headers=session)).json()
    assert (body["state"], body["reason"]) == ("matching", None)
    assert "choose" not in body["links"]


async def test_what_may_be_chosen_from_is_kept_as_it_was_said_until_it_is_decided(
    store: IntakeDatabase, desk: Desk
) -> None:
    case_id, code = await opened(store, desk)
    said = offered(case_id, 1)
    old = said.model_copy(
        update={"attempt": 2, "options": (Option(option_id=uuid4(), therapist_id=uuid4(), modality="phone"),)}
    )
    await hear(store, said)
    assert (await seen(store, code)).options == facts_of(said, T0)[0].options
    [option] = (await seen(store, code)).options
    assert (option.option_id, option.languages, option.fee) == (said.options[0].option_id, ("ur", "en"), 1500)
    await hear(store, old)
    assert (await seen(store, code)).options[0].gender is None
    await hear(store, accepted(case_id, 2))
    assert (await seen(store, code)).options == ()


@given(st.sets(st.integers(0, len(STORY) - 1)), st.sampled_from(get_args(Gate)), st.booleans())
def test_whatever_a_person_is_told_has_words(places: set[int], gate: Gate, withdrawn: bool) -> None:
    progress = folded([STORY[place][0] for place in sorted(places)], 2)
    stands = standing(replace(progress, gate=gate, ended_at=T0 if withdrawn else None))
    assert stands.state in TOLD["states"]
    assert stands.next_step in TOLD["next_steps"]
    assert stands.reason is None or stands.reason in TOLD["reasons"]
    assert stands.alternative is None or stands.alternative in TOLD["alternatives"]


def test_whatever_matching_may_say_to_people_has_words() -> None:
    assert {*REASONS.values(), *OTHER_REASONS} == set(WAIT_REASONS) <= set(TOLD["reasons"])
    assert set(get_args(AlternativeKind)) == set(TOLD["alternatives"])
    assert set(get_args(DeclineReason)) == set(TOLD["decline_reasons"])


async def test_everything_people_are_told_is_listed_with_words_in_english_and_urdu(
    people: httpx2.AsyncClient,
) -> None:
    reference = (await people.get("/v1/reference")).json()
    for group, codes in TOLD.items():
        assert reference[group] == list(codes)
        assert all(reference["titles"][group][code][language] for code in codes for language in ("en", "ur"))
