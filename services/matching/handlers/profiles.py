"""A coordinator describes a therapist; the others hear what they must know, and nothing of competence."""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from services.matching.domain.therapists import Profile
from services.matching.repository import therapists
from shared.contracts.matching import TherapistChanged
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
    """What became of it, and the version that stands now (0: there is none)."""

    outcome: Literal["created", "changed", "unchanged", "stale"]
    version: int


async def describe_therapist(description: Description, tx: Transaction) -> Described:
    """Writes a profile whole. The same profile again writes nothing and says nothing."""
    known = await therapists.lock_therapist(tx, description.therapist_id)
    version = known[0] if known else 0
    if description.seen is not None and description.seen != version:
        return Described("stale", version)
    if known and known[1] == description.profile:
        return Described("unchanged", version)
    await therapists.put_therapist(tx, description.therapist_id, version + 1, description.profile)
    tx.trace(str(description.therapist_id), description.traceparent)
    tx.emit([_therapist_changed(description, tx)])
    return Described("changed" if known else "created", version + 1)


def _therapist_changed(description: Description, tx: Transaction) -> TherapistChanged:
    profile = description.profile
    return TherapistChanged(
        therapist_id=description.therapist_id,
        organisation=profile.organisation,
        lanes=profile.lanes,
        sites=profile.sites,
        languages=profile.languages,
        gender=profile.gender,
        register_status=profile.register_status,
        status=profile.status,
        weekly_limit=profile.weekly_limit,
        changed_at=tx.now,
    )
