"""Reading how cases stand, for many people at once."""

from collections.abc import Sequence
from uuid import UUID

from services.intake.repository import standings, taking_part
from services.intake.repository.standings import CaseView
from services.intake.repository.taking_part import OwnView
from shared.messaging import Transaction


async def look_up_cases(codes: Sequence[str], tx: Transaction) -> list[CaseView | None]:
    """In the order of the codes; None where there is no such case."""
    views = await standings.views(tx, codes)
    return [views.get(code) for code in codes]


async def look_up_own_views(codes: Sequence[str], tx: Transaction) -> list[OwnView | None]:
    """In the order of the own codes; None where nobody with such a code takes part."""
    views = await taking_part.own_views(tx, codes)
    return [views.get(code) for code in codes]


async def look_up_by_appointment(appointment_ids: Sequence[UUID], tx: Transaction) -> list[CaseView | None]:
    """In the order of the hours; None where it is no case's last one."""
    views = await standings.views_of(tx, appointment_ids)
    return [views.get(one) for one in appointment_ids]
