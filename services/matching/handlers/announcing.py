"""What matching says of cases: who is to be asked, that nobody is to be any more, or that nobody was found."""

from typing import Literal

from services.matching.domain.cases import Case
from services.matching.domain.decisions import Found
from services.matching.domain.policy import Policy
from shared.contracts.intake import RequestForCare
from shared.contracts.matching import Candidate, CaseWaitlisted, MatchAttendee, MatchMade, MatchWithdrawn
from shared.messaging import Transaction

MatchEnd = Literal["case_withdrawn", "request_changed"]


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
        attendees=tuple(
            MatchAttendee(attendee_id=one.attendee_id, person_id=one.person_id) for one in submitted.attendees
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


def match_withdrawn(case: Case, reason: MatchEnd, tx: Transaction) -> MatchWithdrawn:
    """`case` as it was with the match. Why the person withdrew stays where they said it."""
    assert case.match_id is not None
    assert case.lane is not None
    return MatchWithdrawn(
        case_id=case.case_id,
        match_id=case.match_id,
        attempt=case.attempt,
        lane=case.lane,
        reason=reason,
        withdrawn_at=tx.now,
    )
