"""How a case stands, in plain words in the language of the page, with what its person can do now."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import Response

from services.intake.domain.pauses import can_wait
from services.intake.domain.vocabulary import TIME_ZONE
from services.intake.pages.entering import Entered
from services.intake.pages.rendering import Renderer
from services.intake.repository.standings import CaseView
from services.intake.repository.taking_part import OwnView

ZONE = ZoneInfo(TIME_ZONE)
UNTIL = {
    "booked": "until_booked",
    "offered": "until_offered",
    "waitlisted": "until_waiting",
    "paused": "until_paused",
}


def standing_page(
    renderer: Renderer, language: str, entered: Entered, notice: str | None = None, *, unagreed: bool = False
) -> Response:
    """The page; `notice` is what has just been done, in words, `unagreed` that a consent is missing to go on."""
    view = entered.view
    return renderer.page(
        "standing",
        language,
        status=422 if unagreed else 200,
        province=view.province,
        urgent=view.alarmed,
        view=view,
        token=entered.token,
        notice=notice,
        unagreed=unagreed,
        pausable=can_wait(view.standing.state, view.standing.reason),
        until=said_until(renderer.words[language].texts, view),
        kept=_said_kept(renderer.words[language].texts, view),
        other=renderer.other_help(view.standing.alternative, view.province, language),
    )


def own_page(renderer: Renderer, language: str, view: OwnView, token: str) -> Response:
    """The page of somebody who takes part: their hour, and the numbers to call that everybody is shown."""
    texts, until = renderer.words[language].texts, view.standing.until
    when = texts["status"]["until_booked"].format(when=said_when(texts, until)) if until else None
    return renderer.page("taking_part", language, view=view, token=token, until=when)


def _said_kept(texts: Mapping[str, Any], view: CaseView) -> dict[UUID, tuple[str, str]]:
    """The hour that is kept, by the option that it is with: as the form sends it, and in words."""
    kept = view.kept
    if kept is None or kept.take_by is None:
        return {}
    words = texts["choice"]["kept"].format(
        when=said_when(texts, kept.start), until=said_when(texts, kept.take_by)
    )
    start = kept.start.astimezone(UTC).isoformat()
    return {one.option_id: (start, words) for one in view.options if one.therapist_id == kept.therapist_id}


def said_until(texts: Mapping[str, Any], view: CaseView) -> str | None:
    """Until when it stands so, in words; None where there is no such time."""
    if view.standing.until is None:
        return None
    kind = UNTIL.get(view.standing.state, "until")
    return str(texts["status"][kind].format(when=said_when(texts, view.standing.until)))


def said_when(texts: Mapping[str, Any], moment: datetime) -> str:
    """A moment in words, by the country's clock."""
    local = moment.astimezone(ZONE)
    return str(
        texts["status"]["when"].format(
            day=texts["days"][local.weekday()],
            date=local.day,
            month=texts["months"][local.month - 1],
            time=f"{local:%H:%M}",
        )
    )
