"""What matching says: of cases who is to be asked or that nobody is, of therapists what others must know, and of either
what a human has to see to."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from services.matching.domain.cases import Case
from services.matching.domain.continuity import OUTCOMES, PRIORITIES, Task
from services.matching.domain.decisions import Found
from services.matching.domain.offers import Choice, Offered
from services.matching.domain.policy import Policy
from services.matching.domain.therapists import Profile, Therapist
from shared.contracts.intake import RequestForCare
from shared.contracts.matching import (
    Candidate,
    CaseWaitlisted,
    MatchAccepted,
    MatchAttendee,
    MatchDeclined,
    MatchMade,
    MatchOffered,
    MatchWithdrawn,
    OfferExpired,
    Option,
    TaskClosed,
    TaskOpened,
    TherapistChanged,
)
from shared.messaging import Transaction

MatchEnd = Literal["case_withdrawn", "case_closed", "request_changed", "offer_declined", "offer_expired"]
EndedBy = Literal["therapist", "clinic", "system"]


def match_made(
    case: Case, submitted: RequestForCare, found: Found, priority: int, policy: Policy, tx: Transaction
) -> MatchMade:
    """No points and no need go with it: only who, how and when."""
    assert case.match_id is not None
    assert case.lane is not None
    return MatchMade(
        case_id=case.case_id,
        match_id=case.match_id,
        attempt=case.attempt,
        lane=case.lane,
        candidates=tuple(Candidate(therapist_id=o.therapist_id, site_ids=o.sites) for o in found.offers),
        # Whoever has not consented is told of no hour: an attendee here is written to by name of the appointment.
        attendees=tuple(
            MatchAttendee(attendee_id=one.attendee_id, person_id=one.person_id)
            for one in submitted.attendees
            if one.consent == "given"
        ),
        modality=found.modality,
        minutes=policy.minutes,
        wanted_times=submitted.wanted_times,
        time_zone=submitted.time_zone,
        earliest=tx.now + policy.notice,
        latest=tx.now + policy.horizon,
        priority=priority,
        rule_version=policy.version,
    )


def hour_to_keep(made: MatchMade, until: datetime, *, last_too: bool) -> MatchMade:
    """The same, to be kept only, until then: its person has yet to choose. With `last_too` even a week's last."""
    return made.model_copy(update={"mode": "offer", "expires_at": until, "last_too": last_too})


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of whoever is offered: the profile, and the band of the distance in kilometres."""

    profile: Profile
    within_km: int | None


def match_offered(offer: Offered, submitted: RequestForCare, known: Mapping[UUID, Known]) -> MatchOffered:
    """With what helps to choose, `known` by therapist; no reason goes with an option: wishes would be told by it."""
    return MatchOffered(
        case_id=offer.case_id,
        person_id=submitted.person_id,
        attempt=offer.attempt,
        match_id=offer.match_id,
        options=tuple(_option(one, offer, known.get(one.therapist_id)) for one in offer.choices),
        expires_at=offer.expires_at,
        offered_at=offer.offered_at,
    )


def _option(choice: Choice, offer: Offered, known: Known | None) -> Option:
    option = Option(
        option_id=choice.option_id,
        therapist_id=choice.therapist_id,
        site_ids=choice.sites,
        modality=offer.modality,
    )
    if known is None:
        return option
    facts = {
        "gender": known.profile.gender,
        "languages": tuple(one.language for one in known.profile.languages),
        "fee": known.profile.fee,
        "sliding_fee": known.profile.sliding_fee,
        "within_km": known.within_km,
    }
    return option.model_copy(update=facts)


def offer_decided(offer: Offered, submitted: RequestForCare) -> MatchAccepted | MatchDeclined | OfferExpired:
    """How an offer ended that was accepted, declined or left."""
    assert offer.decided_at is not None
    about: dict[str, Any] = {
        "case_id": offer.case_id,
        "person_id": submitted.person_id,
        "attempt": offer.attempt,
        "match_id": offer.match_id,
    }
    if offer.option_id is not None:
        return MatchAccepted(**about, option_id=offer.option_id, accepted_at=offer.decided_at)
    if offer.reason is not None:
        return MatchDeclined(**about, reason=offer.reason, declined_at=offer.decided_at)
    return OfferExpired(**about, expired_at=offer.decided_at)


def offer_left_behind(case: Case, submitted: RequestForCare, tx: Transaction) -> OfferExpired:
    """`case` as it was with the offer, which its person never answered."""
    assert case.match_id is not None
    return OfferExpired(
        case_id=case.case_id,
        person_id=submitted.person_id,
        attempt=case.attempt,
        match_id=case.match_id,
        expired_at=tx.now,
    )


def case_waitlisted(case: Case, submitted: RequestForCare, tx: Transaction) -> CaseWaitlisted:
    """The reason may be read aloud; the review is a promise."""
    assert case.reason is not None
    assert case.next_review is not None
    return CaseWaitlisted(
        case_id=case.case_id,
        person_id=submitted.person_id,
        attempt=case.attempt,
        reason=case.reason,
        next_review=case.next_review,
        waitlisted_at=tx.now,
    )


def match_withdrawn(case: Case, reason: MatchEnd, tx: Transaction, by: EndedBy = "system") -> MatchWithdrawn:
    """`case` as it was with the match. Why the person withdrew, or staff closed it, stays where they said it."""
    assert case.match_id is not None
    assert case.lane is not None
    return MatchWithdrawn(
        case_id=case.case_id,
        match_id=case.match_id,
        attempt=case.attempt,
        lane=case.lane,
        reason=reason,
        by=by,
        withdrawn_at=tx.now,
    )


def therapist_changed(therapist: Therapist, tx: Transaction) -> TherapistChanged:
    """Nothing of competence, and not why somebody is suspended; that they are, from the moment they are."""
    profile = therapist.profile
    return TherapistChanged(
        therapist_id=therapist.id,
        organisation=profile.organisation,
        lanes=profile.lanes,
        sites=profile.sites,
        languages=tuple(one.language for one in profile.languages),
        gender=profile.gender,
        register_status=profile.register_status,
        status=therapist.standing(tx.now),
        weekly_limit=profile.weekly_limit,
        changed_at=tx.now,
    )


def task_changed(task: Task) -> TaskOpened | TaskClosed:
    """For the worklist: that a coordinator has to see to it, or what came of it."""
    if task.closed_at is not None:
        assert task.outcome is not None
        assert task.closed_by is not None
        return TaskClosed(
            task_id=task.task_id, outcome=task.outcome, closed_by=task.closed_by, closed_at=task.closed_at
        )
    return TaskOpened(
        task_id=task.task_id,
        kind=task.kind,
        queue="coordinator",
        outcomes=OUTCOMES[task.kind],
        due_by=task.due_by,
        priority=PRIORITIES[task.kind],
        case_id=task.case_id,
        therapist_id=task.therapist_id,
        opened_at=task.opened_at,
    )
