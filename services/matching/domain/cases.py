"""How a case stands in matching, and what each thing that happens makes of it.

Answers of scheduling come on topics of their own and may be late: the match they speak of decides whether they count.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, NamedTuple, get_args
from uuid import UUID

from services.matching.domain.policy import Policy
from services.matching.domain.vocabulary import Lane, Reason

State = Literal["held", "offered", "matched", "booked", "cancelled", "waitlisted", "withdrawn", "closed"]
# Taken back by the person, or ended by staff: nothing follows either.
End = Literal["withdrawn", "closed"]
ENDS: tuple[State, ...] = get_args(End)


@dataclass(frozen=True, slots=True)
class Case:
    """`attempt` counts over both lanes; those after `tries_from` belong to the present search.

    `holder` is the therapist whose load counts the case, as it does while an hour is kept for whoever chooses;
    `held_until` the end of the hour that is booked, `displaced` that it has lost its day.
    `request_version` is 0 for the request as it was first made. `sliding_with` are those of whoever was asked last for
    whom the case is one at the sliding fee.
    """

    case_id: UUID
    person_id: UUID | None
    state: State
    attempt: int = 0
    tries_from: int = 0
    match_id: UUID | None = None
    lane: Lane | None = None
    holder: UUID | None = None
    held_until: datetime | None = None
    appointment_version: int = 0
    reason: Reason | None = None
    next_review: datetime | None = None
    request_version: int = 0
    sliding_with: tuple[UUID, ...] = ()
    displaced: bool = False


def matched(
    case: Case, match_id: UUID, lane: Lane, holder: UUID, sliding_with: tuple[UUID, ...] = ()
) -> Case:
    """The next attempt found somebody; their place is spoken for."""
    return replace(
        _idle(case, "matched"),
        attempt=case.attempt + 1,
        match_id=match_id,
        lane=lane,
        holder=holder,
        appointment_version=0,
        sliding_with=sliding_with,
    )


def offered(case: Case, match_id: UUID, lane: Lane, sliding_with: tuple[UUID, ...] = ()) -> Case:
    """The next attempt found somebody to choose from; nobody's place is taken unless an hour is kept."""
    found = _idle(case, "offered")
    return replace(
        found,
        attempt=case.attempt + 1,
        match_id=match_id,
        lane=lane,
        appointment_version=0,
        sliding_with=sliding_with,
    )


def kept_by(case: Case, holder: UUID | None) -> Case:
    """An hour is kept for whoever chooses, with this therapist, or none any more."""
    return replace(case, holder=holder) if case.state == "offered" else case


def chosen(case: Case, holder: UUID) -> Case:
    """The person has chosen from the offer: it is a match like any other from now on."""
    return replace(_idle(case, "matched"), holder=holder)


def not_matched(case: Case, reason: Reason, priority: int, policy: Policy, now: datetime) -> Case:
    """The next attempt found nobody."""
    return waitlisted(replace(case, attempt=case.attempt + 1), reason, priority, policy, now)


def waitlisted(case: Case, reason: Reason, priority: int, policy: Policy, now: datetime) -> Case:
    """On the list until the review, at which a new search begins."""
    review = now + policy.review_after(priority)
    return replace(_idle(case, "waitlisted"), reason=reason, next_review=review, tries_from=case.attempt)


def ended(case: Case, end: End) -> Case:
    """Nobody is looked for any more; the match is kept, for it has to be withdrawn too. How it first ended stands."""
    return case if case.state in ENDS else _idle(case, end)


def may_have_hours(case: Case) -> bool:
    """Whether scheduling may have an hour for it, keep one, or get one: staff find another one after a cancelled one too."""
    return case.state in ("offered", "matched", "booked", "cancelled")


Change = Literal["search", "hold", "keep"]


def is_newer(case: Case, request_version: int) -> bool:
    """Whether a request that comes now is later than the one that is known, and of a case that goes on."""
    return case.state not in ENDS and request_version > case.request_version


def on_change(
    case: Case, *, gate_is_open: bool, wishes_differ: bool, resumed_after: int | None = None
) -> Change:
    """What a changed request means. It never costs anybody an hour: who has one keeps it, and so does whoever had one
    that was cancelled or missed, for whom nobody looks again by itself. `resumed_after` is the attempt whose hour is
    known to be no more, for whoever asks again: that it was cancelled may not have been heard here yet."""
    ended = resumed_after is not None and case.attempt <= resumed_after
    if case.state in ("booked", "cancelled"):
        return "search" if gate_is_open and ended else "keep"
    if not gate_is_open:
        return "hold"
    if case.state == "matched" and ended:
        return "search"
    return "search" if case.state == "held" or wishes_differ else "keep"


def put_down(case: Case) -> Case:
    """Whatever was under way ends, and the next search begins anew: it may ask everybody again."""
    return replace(_idle(case, "held"), tries_from=case.attempt)


def waits_for(case: Case, match_id: UUID) -> bool:
    """Whether an answer about this match is the one that this case waits for."""
    return case.state == "matched" and case.match_id == match_id


def tries_left(case: Case, policy: Policy) -> bool:
    """Whether the present search may ask scheduling once more."""
    return case.attempt - case.tries_from < policy.attempts


@dataclass(frozen=True, slots=True)
class Hour:
    """What scheduling says of a case's appointment; `until` is its end, None when it was cancelled."""

    case_id: UUID
    match_id: UUID
    version: int
    therapist_id: UUID
    until: datetime | None
    displaced: bool = False


def after_hour(case: Case, hour: Hour) -> Case:
    """The same case with its hour booked, moved or cancelled; unchanged if that is history or another match's."""
    is_current = case.state in ("matched", "booked", "cancelled") and case.match_id == hour.match_id
    if not is_current or hour.version <= case.appointment_version:
        return case
    if hour.until is None:
        return replace(_idle(case, "cancelled"), appointment_version=hour.version)
    return replace(
        case,
        state="booked",
        holder=hour.therapist_id,
        held_until=hour.until,
        appointment_version=hour.version,
        displaced=hour.displaced,
    )


def over(case: Case) -> Case:
    """The booked hour is past: it counts for nobody any more."""
    return replace(case, holder=None, held_until=None, displaced=False)


class LoadChange(NamedTuple):
    """By how much a therapist's open cases change, and those of them at the sliding fee."""

    open_cases: int
    sliding_cases: int = 0


def load_changes(changed: Iterable[tuple[Case | None, Case]]) -> Mapping[UUID, LoadChange]:
    """What changes for each therapist, from pairs of a case before and after."""
    cases: Counter[UUID] = Counter()
    sliding: Counter[UUID] = Counter()
    for before, after in changed:
        for case, by in ((before, -1), (after, 1)):
            if case and case.holder:
                cases[case.holder] += by
                sliding[case.holder] += by * (case.holder in case.sliding_with)
    changes = {therapist: LoadChange(cases[therapist], sliding[therapist]) for therapist in cases}
    return {therapist: change for therapist, change in changes.items() if any(change)}


def _idle(case: Case, state: State) -> Case:
    """In this state, counting for nobody and waiting for nothing."""
    idle = replace(case, state=state, holder=None, held_until=None, reason=None, next_review=None)
    return replace(idle, displaced=False)
