"""Appointments that stand where or when nobody can be seen any more, as whoever caused it is told of them."""

from collections.abc import Sequence
from typing import Any

from services.scheduling.domain.exceptions import Standing
from services.scheduling.domain.wall_time import moment_of, zone


def told(booked: Sequence[Standing]) -> dict[str, Any]:
    """`booked_outside`, each with its link: they stay until somebody moves them or gives them back."""
    return {"booked_outside": [_standing(one) for one in booked]}


def _standing(one: Standing) -> dict[str, Any]:
    wall = zone(one.time_zone)
    return {
        "appointment_id": str(one.id),
        "version": one.version,
        "therapist_id": str(one.therapist_id),
        "lane": one.lane,
        "modality": one.modality,
        "site_id": str(one.site_id) if one.site_id else None,
        "start": moment_of(one.start).astimezone(wall).isoformat(),
        "end": moment_of(one.end).astimezone(wall).isoformat(),
        "links": {"self": f"/v1/appointments/{one.id}"},
    }
