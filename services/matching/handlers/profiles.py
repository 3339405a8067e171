"""A coordinator describes a therapist; the others hear what they must know, and nothing of competence."""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from services.matching.domain.credentials import Validity
from services.matching.domain.therapists import Profile, Therapist
from services.matching.handlers.announcing import therapist_changed
from services.matching.handlers.dates import keep_dates
from services.matching.repository import therapists
from shared.messaging import Transaction


@dataclass(frozen=True, slots=True)
class Description:
    """`seen` is the version that the coordinator had before them, None if they did not say."""

    therapist_id: UUID
    profile: Profile
    seen: int | None
    traceparent: str | None = None


@dataclass(frozen=True, slots=True)
class Described:
    """What became of it, the version that stands now (0: there is none), and the therapist as they stand."""

    outcome: Literal["created", "changed", "unchanged", "stale", "unknown", "left", "never", "lapsed"]
    version: int
    therapist: Therapist | None = None


async def describe_therapist(description: Description, tx: Transaction, validity: Validity) -> Described:
    """Writes a profile whole. The same profile again writes nothing and says nothing; a suspension is not touched.
    Who is said to hold what has run out is not written."""
    known = await therapists.lock_therapist(tx, description.therapist_id)
    version = known.version if known else 0
    if description.seen is not None and description.seen != version:
        return Described("stale", version)
    if known and known.therapist.profile == description.profile:
        return Described("unchanged", version, known.therapist)
    ends = validity.ends(description.profile.register_status, description.profile.valid_until)
    if ends is not None and ends <= tx.now:
        return Described("lapsed", version)
    await therapists.put_therapist(tx, description.therapist_id, version + 1, description.profile)
    suspension = known.therapist.suspension if known else None
    described = Therapist(description.therapist_id, description.profile, suspension)
    tx.trace(str(description.therapist_id), description.traceparent)
    if known or described.profile.status != "active" or ends:
        await keep_dates(tx, [described], validity)
    tx.emit([therapist_changed(described, tx)])
    return Described("changed" if known else "created", version + 1, described)
