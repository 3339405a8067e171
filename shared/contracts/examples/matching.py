"""What matching says in the story: who fits, what was offered and chosen, and what comes when nobody is free."""

from typing import Any

from shared.contracts.base import Event
from shared.contracts.examples import story
from shared.contracts.examples.intake import EVENINGS
from shared.contracts.matching import (
    AlternativeOffered,
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

OF_CASE: dict[str, Any] = {"case_id": story.CASE, "person_id": story.PERSON, "attempt": 1}

EXAMPLES: tuple[Event, ...] = (
    TherapistChanged(
        therapist_id=story.THERAPIST,
        organisation=story.ORGANISATION,
        lanes=("online", "in_person"),
        sites=(story.SITE,),
        languages=("ur", "en"),
        gender="woman",
        register_status="verified",
        status="active",
        weekly_limit=18,
        changed_at=story.ASKED,
    ),
    MatchMade(
        case_id=story.CASE,
        match_id=story.MATCH,
        attempt=1,
        lane="in_person",
        candidates=(
            Candidate(therapist_id=story.THERAPIST, site_ids=(story.SITE,)),
            Candidate(therapist_id=story.OTHER_THERAPIST, site_ids=(story.SITE,)),
        ),
        attendees=(MatchAttendee(attendee_id=story.ATTENDEE, person_id=story.PERSON),),
        modality="in_person",
        minutes=50,
        wanted_times=EVENINGS,
        time_zone=story.LAHORE_TIME,
        earliest=story.SOON,
        latest=story.IN_TWO_WEEKS,
        priority=2,
        rule_version="2026-11-draft",
    ),
    MatchWithdrawn(
        case_id=story.CASE,
        match_id=story.MATCH,
        attempt=1,
        lane="in_person",
        reason="case_withdrawn",
        withdrawn_at=story.LATER,
    ),
    MatchOffered(
        **OF_CASE,
        match_id=story.MATCH,
        options=(
            Option(
                option_id=story.OPTION,
                therapist_id=story.THERAPIST,
                site_ids=(story.SITE,),
                modality="in_person",
                gender="woman",
                languages=("ur", "en"),
                fee=1500,
                sliding_fee=500,
                within_km=5,
            ),
        ),
        expires_at=story.IN_THREE_DAYS,
        offered_at=story.SOON,
    ),
    MatchAccepted(**OF_CASE, match_id=story.MATCH, option_id=story.OPTION, accepted_at=story.LATER),
    MatchDeclined(**OF_CASE, match_id=story.MATCH, reason="too_far", declined_at=story.LATER),
    OfferExpired(**OF_CASE, match_id=story.MATCH, expired_at=story.IN_THREE_DAYS),
    CaseWaitlisted(
        **OF_CASE, reason="no_capacity", next_review=story.IN_THREE_DAYS, waitlisted_at=story.SOON
    ),
    AlternativeOffered(**OF_CASE, kind="helpline", offered_at=story.SOON),
    TaskOpened(
        task_id=story.TASK,
        kind="hour",
        queue="coordinator",
        outcomes=("rebooked", "told", "stays", "not_reached"),
        due_by=story.LATER,
        case_id=story.CASE,
        therapist_id=story.THERAPIST,
        opened_at=story.SOON,
    ),
    TaskClosed(task_id=story.TASK, outcome="not_needed", closed_by="system", closed_at=story.LATER),
)
