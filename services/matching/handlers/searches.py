"""Searches: a case that needs somebody, with what is known of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from services.matching.domain.cases import Case
from services.matching.domain.requests import Request, Tried, tried
from services.matching.domain.vocabulary import LANES, Lane
from services.matching.repository import cases, explanations
from services.matching.repository.explanations import Asked
from shared.contracts.intake import RequestForCare
from shared.messaging import Transaction


@dataclass(frozen=True, slots=True)
class Search:
    """One case that needs somebody. `text` is its request as JSON, where it has to be kept; `declined` tells whether
    its person wanted none of some whom they were offered, `alarmed` that somebody may be in danger."""

    case: Case
    submitted: RequestForCare
    priority: int
    tried: Tried
    text: str | None = None
    known: bool = True
    declined: bool = False
    alarmed: bool = False

    @property
    def chooses(self) -> bool:
        """Whether its person is shown some to choose from. Whoever may be in danger goes on at once: an offer would wait
        for its answer."""
        return self.submitted.booking_mode == "choose" and not self.alarmed


def begun(event: RequestForCare, known: Case | None, alarms: Mapping[UUID, int]) -> Search:
    """A search with a request that has to be kept. `alarms` are priorities by case."""
    case = known or Case(event.case_id, event.person_id, "held")
    priority = max(event.priority, alarms.get(event.case_id, 0))
    # The event was said with its alarm; that the alarm is heard of may come later, and so may that it is closed.
    alarmed = event.case_id in alarms if event.alarm_open is None else event.alarm_open
    return Search(case, event, priority, {}, event.model_dump_json(), known is not None, alarmed=alarmed)


async def resumed(tx: Transaction, found: Sequence[Case]) -> list[Search]:
    """Searches for cases under lock, with what is known of each: its request, its alarms, who was asked before."""
    asked = await cases.requests_of(tx, [case.case_id for case in found])
    before = await explanations.asked_before(tx, [(case.case_id, case.tries_from) for case in found])
    searches = []
    for case in found:
        submitted = RequestForCare.model_validate_json(asked[case.case_id].request)
        priority = max(submitted.priority, asked[case.case_id].alarm_priority or 0)
        asked_so_far = before.get(case.case_id, ())
        searches.append(
            Search(
                case,
                submitted,
                priority,
                tried((lane, one.therapists) for one in asked_so_far for lane in _lanes(one)),
                declined=any(one.declined for one in asked_so_far),
                alarmed=asked[case.case_id].alarm_priority is not None,
            )
        )
    return searches


def _lanes(asked: Asked) -> Sequence[Lane]:
    """Whoever has no hour in one lane may have one in the other; whom the person declined is not asked in either."""
    return LANES if asked.declined else (asked.lane,)


def request_of(search: Search) -> Request:
    """What the search asks of the directory."""
    asked = search.submitted
    gender, known = asked.therapist_gender, asked.previous_therapist
    return Request(
        case_id=asked.case_id,
        priority=search.priority,
        submitted_at=asked.submitted_at,
        modalities=asked.modalities,
        languages=asked.languages,
        problem_areas=asked.problem_areas,
        age_band=asked.age_band,
        step=asked.step,
        max_fee=asked.max_fee,
        city=asked.city,
        radius_km=asked.radius_km,
        kind=asked.kind,
        province=asked.province,
        gender_must=gender.wish if gender and gender.must else None,
        gender_wish=gender.wish if gender and not gender.must else None,
        faith_sensitive=asked.faith_sensitive,
        access_needs=asked.access_needs,
        coverage=asked.coverage,
        again=known.therapist_id if known and known.wish == "again" else None,
        not_again=known.therapist_id if known and known.wish == "not_again" else None,
        tried=search.tried,
    )
