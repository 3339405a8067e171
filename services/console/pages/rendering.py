"""Staff pages as they leave: escaped, never stored, in no frame, no script, one style we know by its hash."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import Response

from services.console.api.journeys import trace_url
from services.console.domain.tasks import QUEUES
from shared.web import Principal
from shared.web.problems import TITLES
from shared.web.staff_forms import page_headers
from shared.web.staff_pages import staff_environment

HERE = Path(__file__).parent
STYLE = (HERE / "templates" / "staff.css").read_text("utf-8")
HEADERS = page_headers(STYLE)
# The staff are in Pakistan, which has one zone.
ZONE = ZoneInfo("Asia/Karachi")
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?Z", re.ASCII)
# What services call their tasks by; another kind is shown by its own word.
KINDS = {
    "hour": "Booked with somebody who is away",
    "displaced": "An hour lost its day",
    "credential": "A credential runs out",
    "tell_by_hand": "Tell somebody by hand",
    "call_person": "Call somebody",
    "reconfirm_contact": "Find how somebody is reached now",
    "dead_letter": "An event failed for good",
    "reader_stopped": "Nothing more is read",
}
CAUSES = {
    "blocked_key": "Key blocked",
    "dead_letter": "Dead letter",
    "waiting_fact": "Waits for a fact",
    "outbox_not_sent": "Not sent yet",
    "consumer_stopped": "Nobody reads",
    "consumer_behind": "Not read",
    "broker_away": "Broker away",
}


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who looks at the page, and what their forms must carry to be taken for theirs; no form where it is empty."""

    principal: Principal
    form: str


class StaffPages:
    """Renders the pages; `traces` is the base URL of the trace viewer, empty where there is none."""

    def __init__(self, traces: str) -> None:
        self._environment = staff_environment(HERE / "templates", STYLE, "/tasks/sign-out")
        self._environment.filters |= {
            "moment": _moment,
            "to_the_second": _to_the_second,
            "words": _words,
            "spoken": _spoken,
            "kind": lambda kind: KINDS.get(kind, _words(kind)),
            "cause": lambda code: CAUSES[code],
            "trace_url": lambda trace: trace_url(traces, trace),
        }
        self._environment.globals |= {"queues_of": QUEUES}

    def page(
        self, template: str, who: SignedIn | None, status: int = 200, *, title: str, **shown: Any
    ) -> Response:
        """One page; `message` says what went wrong, if anything did."""
        now = datetime.now(UTC)
        staff = who.principal if who else None
        said: dict[str, Any] = {"message": "", "title": title, "now": now, "staff": staff}
        said |= {
            "form": who.form if who else "",
            "distance": lambda at: _distance(at, now),
            "until": lambda at: at > now,
        }
        html = self._environment.get_template(template).render(said | shown)
        return Response(html, status, HEADERS, media_type="text/html")

    def sign_in(self, back: str, status: int = 200, message: str = "") -> Response:
        """Where a staff token is pasted; `back` is where somebody wanted to go."""
        return self.page("sign_in.html", None, status, title="Sign in", message=message, back=back)

    def nothing(self, who: SignedIn | None, status: int, message: str) -> Response:
        """There is no such thing, it is not for this role, or it is not what our forms send."""
        said = message or f"{TITLES.get(status, 'Something went wrong')}."
        return self.page("nothing.html", who, status, title="Nothing here", message=said)


def _moment(at: datetime) -> str:
    return f"{at.astimezone(ZONE):%H:%M, %a %d %b}"


def _to_the_second(at: datetime) -> str:
    return f"{at.astimezone(ZONE):%a %d %b, %H:%M:%S}"


def _distance(at: datetime, now: datetime) -> str:
    minutes = round((at - now).total_seconds() / 60)
    hours, rest = divmod(abs(minutes), 60)
    days = hours // 24
    amount = f"{days} days" if days > 1 else f"{hours} h {rest} min" if hours else f"{rest} min"
    return f"in {amount}" if minutes >= 0 else f"{amount} ago"


def _spoken(text: str) -> str:
    """What a service says to operators, its moments (UTC) in the page's time."""
    return MOMENT.sub(lambda found: _moment(datetime.fromisoformat(found[0])), text).replace("_", " ")


def _words(code: str) -> str:
    return code.replace("_", " ")
