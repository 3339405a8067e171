"""How a case stands, as its person reads it."""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

import orjson
from fastapi import Request, Response

from services.intake.api.cards import CardDeck
from services.intake.domain.pauses import can_wait
from services.intake.repository.standings import CaseView
from shared.web import Problem, fast_json

IF_MATCH: dict[str, Any] = {
    "parameters": [{"name": "If-Match", "in": "header", "required": True, "schema": {"type": "string"}}]
}


def not_found() -> Problem:
    """The same for a case that does not exist and for somebody else's."""
    return Problem(404, "case_not_found", "There is no such case, or it is not yours.")


def closed() -> Problem:
    """Nothing is changed any more."""
    return Problem(409, "case_closed", "This case is closed; care can be asked for again at any time.")


def stale() -> Problem:
    """Somebody else was there meanwhile."""
    return Problem(412, "changed_meanwhile", "The case has changed; look at it again and then decide.")


def check_seen(request: Request, view: CaseView) -> None:
    """Whether a change is made on what its caller saw. Raises Problem 428 without If-Match, 409, 412."""
    matches = has_seen(request, view)
    if view.standing.state == "closed":
        raise closed()
    if not matches:
        raise stale()


def has_seen(request: Request, view: CaseView) -> bool:
    """Whether If-Match is about how the case stands. Raises Problem 428 without one."""
    header = request.headers.get("if-match")
    if header is None:
        raise Problem(428, "version_needed", "Send the ETag of the case as If-Match.")
    return bool({tag.strip() for tag in header.split(",")} & {etag_of(view), "*"})


def etag_of(view: CaseView) -> str:
    """A strong validator of what is shown."""
    return _etag(orjson.dumps(_shown(view)))


def render_view(view: CaseView, cards: CardDeck, seen: str | None = None) -> Response:
    """The state with its ETag; 304 when `seen` is what it still is."""
    body = orjson.dumps(_shown(view))
    return fresh_or_seen(body, seen, lambda: _in_words(body, view, cards))


def fresh_or_seen(body: bytes, seen: str | None, in_words: Callable[[], bytes] | None = None) -> Response:
    """304 when `seen` is the ETag of `body`; else the body, or what `in_words` makes of it."""
    etag = _etag(body)
    headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
    if seen == etag:
        return Response(status_code=304, headers=headers)
    return fast_json(200, in_words() if in_words else body, headers)


def document_of(view: CaseView, cards: CardDeck) -> bytes:
    """The same document where it is not the whole answer."""
    return _in_words(orjson.dumps(_shown(view)), view, cards)


def _in_words(body: bytes, view: CaseView, cards: CardDeck) -> bytes:
    """Words and numbers change by the minute, and nothing is decided on them: the ETag is of the codes alone."""
    if view.standing.alternative:
        other = cards.other_help(view.standing.alternative, view.province, view.card_language)
        body = orjson.dumps({**_shown(view), "alternative": other})
    if not view.alarmed:
        return body
    return body[:-1] + b',"crisis":' + cards.printed(view.province, view.card_language) + b"}"


def _etag(body: bytes) -> str:
    return f'"{hashlib.blake2b(body, digest_size=8).hexdigest()}"'


def _shown(view: CaseView) -> Mapping[str, Any]:
    path, stands = f"/v1/cases/{view.case_code}", view.standing
    links = {"self": path}
    if stands.state != "closed":
        links["withdraw"] = f"{path}/withdraw"
        links["contact"] = f"{path}/contact"
    if stands.state == "paused":
        links["resume"] = f"{path}/resume"
    if can_wait(stands.state, stands.reason):
        links["pause"] = f"{path}/pause"
    if view.match_id is not None:
        links["choose"] = f"/v1/matches/{view.match_id}"
    if stands.alternative == "helpline":
        links["lines"] = f"/v1/crisis/lines?province={view.province}&language={view.card_language}"
    if view.appointment_id is not None:
        links["appointment"] = f"/v1/appointments/{view.appointment_id}"
    return {
        "case_code": view.case_code,
        "state": stands.state,
        "waiting_on": stands.waiting_on,
        "since": stands.since,
        "until": stands.until,
        "reason": stands.reason,
        "next_step": stands.next_step,
        "alternative": {"kind": stands.alternative} if stands.alternative else None,
        "version": view.version,
        "links": links,
    }
