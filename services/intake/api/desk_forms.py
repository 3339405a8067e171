"""What the desk's forms send."""

from fastapi import Request

from shared.web.staff_forms import check_mark, mark, read_staff_form

__all__ = ["check_mark", "mark", "read_form"]

FIELDS = (
    "form",
    "token",
    "alarm",
    "act",
    "key",
    "outcome",
    "note",
    "level",
    "reason",
    "to",
    "to_id",
    "to_name",
)


async def read_form(request: Request) -> dict[str, str]:
    """Each field once. Raises Problem 400 for whatever our forms cannot have sent, 403 for a form on another site."""
    return await read_staff_form(request, FIELDS)
