"""The duty desk's pages as they leave: escaped, never stored, in no frame, no script, one style we know by its hash."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args
from uuid import uuid4
from zoneinfo import ZoneInfo

from fastapi import Response

from services.intake.api.reaching import spoken_windows
from services.intake.domain.alarms import AttemptOutcome, Outcome, Staff
from services.intake.domain.rota import Staffing
from services.intake.domain.vocabulary import TIME_ZONE, Level
from services.intake.handlers.reaching import Reach
from shared.web.staff_forms import page_headers
from shared.web.staff_pages import staff_environment

TEMPLATES = Path(__file__).parents[1] / "desk_templates"
STYLE = (TEMPLATES / "desk.css").read_text("utf-8")
HEADERS = page_headers(STYLE)
ZONE = ZoneInfo(TIME_ZONE)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who looks at the page, and what their forms must carry to be taken for theirs."""

    staff: Staff
    form: str


class Typed(dict[str, str]):
    """What was typed into a form that was refused; empty where nothing was."""

    def __missing__(self, _: str) -> str:
        return ""


@dataclass(frozen=True, slots=True)
class Again:
    """Why a form was refused, and what was typed into it; nothing of both on a page that is simply looked at."""

    status: int = 200
    message: str = ""
    typed: Mapping[str, str] = field(default_factory=dict)


class DeskPages:
    """Renders the pages. Times are Pakistan's, where the desk is."""

    def __init__(self) -> None:
        self._environment = staff_environment(TEMPLATES, STYLE, "/desk/sign-out")
        self._environment.filters |= {"moment": _moment, "words": _words, "windows": spoken_windows}
        self._environment.globals |= {
            "attempt_outcomes": get_args(AttemptOutcome),
            "outcomes": get_args(Outcome),
            "levels": get_args(Level),
            "days": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
        }

    def sign_in(self, status: int = 200, message: str = "") -> Response:
        """Where a staff token is pasted."""
        return self._page("sign_in.html", None, status, message=message)

    def listing(
        self, who: SignedIn, alarms: list[dict[str, Any]], following: str | None, staffing: Staffing
    ) -> Response:
        """Open alarms by when they are due: those nobody has before those somebody has; and who is on."""
        untaken = [one for one in alarms if one["state"] == "open"]
        taken = [one for one in alarms if one["state"] != "open"]
        return self._page("list.html", who, untaken=untaken, taken=taken, next=following, staffing=staffing)

    def alarm(
        self,
        who: SignedIn,
        alarm: dict[str, Any],
        staffing: Staffing,
        again: Again | None = None,
        reach: Reach | None = None,
    ) -> Response:
        """One alarm with its forms; what was typed is not lost when it was refused."""
        again = again or Again()
        on_duty = {one.staff.id: one.staff.name for one in staffing.on_duty}
        on_duty.pop(alarm["acknowledged_by"], None)
        shown = {
            "message": again.message,
            "typed": Typed(again.typed),
            # A key per page that is shown: a form that is sent twice is one attempt.
            "key": again.typed.get("key") or str(uuid4()),
            "mine": alarm["acknowledged_by"] == who.staff.id,
            "reach": reach,
            "colleagues": on_duty,
        }
        return self._page("alarm.html", who, again.status, alarm=alarm, **shown)

    def nothing(self, who: SignedIn | None, status: int, message: str) -> Response:
        """There is no such thing, or it is not what our forms send."""
        return self._page("nothing.html", who, status, message=message)

    def _page(self, template: str, who: SignedIn | None, status: int = 200, **shown: Any) -> Response:
        now = datetime.now(UTC)
        html = self._environment.get_template(template).render(
            {"message": "", "staff": who.staff if who else None, "form": who.form if who else ""}
            | {"now": now, "distance": lambda at: _distance(at, now)}
            | shown
        )
        return Response(html, status, HEADERS, media_type="text/html")


def _moment(at: datetime) -> str:
    return f"{at.astimezone(ZONE):%H:%M, %a %d %b}"


def _distance(at: datetime, now: datetime) -> str:
    minutes = round((at - now).total_seconds() / 60)
    hours, rest = divmod(abs(minutes), 60)
    amount = f"{hours} h {rest} min" if hours else f"{rest} min"
    return f"in {amount}" if minutes >= 0 else f"{amount} ago"


def _words(code: str) -> str:
    return code.replace("_", " ")
