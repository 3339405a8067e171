"""What begins and ends by itself with a therapist: suspensions, and credentials that have a last day."""

from dataclasses import replace
from datetime import datetime

from services.matching.domain.credentials import Validity
from services.matching.domain.therapists import Therapist


def next_date(therapist: Therapist, validity: Validity, now: datetime) -> datetime | None:
    """When something about them is next to be said, written or seen to; None if nothing is."""
    ends, suspension = credential_ends(therapist, validity), therapist.suspension
    moments = [suspension.begins, suspension.ends] if suspension else []
    moments += [ends, ends - validity.warning] if ends else []
    return min((moment for moment in moments if moment and moment > now), default=None)


def credential_ends(therapist: Therapist, validity: Validity) -> datetime | None:
    """The first moment at which their credential does not count any more."""
    return validity.ends(therapist.profile.register_status, therapist.profile.valid_until)


def to_be_renewed(therapist: Therapist, validity: Validity, now: datetime) -> datetime | None:
    """When the credential of somebody who works here runs out, if that is near enough to be told."""
    ends = credential_ends(therapist, validity)
    near = ends is not None and ends - validity.warning <= now < ends
    return ends if near and therapist.profile.status != "left" else None


def as_of(therapist: Therapist, validity: Validity, now: datetime) -> Therapist:
    """The same with what is over taken away: the suspension, and the status of a credential whose last day is over."""
    profile, suspension = therapist.profile, therapist.suspension
    status = validity.at(profile.register_status, profile.valid_until, now)
    over = suspension is not None and suspension.is_over(now)
    return replace(
        therapist,
        profile=profile if status == profile.register_status else replace(profile, register_status=status),
        suspension=None if over else suspension,
    )
