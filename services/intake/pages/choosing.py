"""Back from choosing: matching has decided and sends the browser here, with the form it had sent (decisions/0015)."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from fastapi import Request, Response

from services.intake.api.shedding import Reads
from services.intake.domain.states import Standing
from services.intake.pages.entering import Door, read_sent
from services.intake.pages.rendering import Renderer
from services.intake.pages.standing import standing_page
from services.intake.repository.standings import CaseView
from shared.web import Problem
from shared.web.forms import Form

KNOWN = frozenset({"language", "match_id", "option_id", "reason"})
# How it may have ended, and whether the offer is over by it.
OUTCOMES: Mapping[str, bool] = {
    "made": True,
    "declined": True,
    "decided": True,
    "over": True,
    "gone": False,
    "hour_gone": False,
    "none": False,
    "again": False,
}
Show = Callable[[str, Request], Awaitable[Response]]


class Choosing:
    """POST /{language}/choice/{outcome}."""

    def __init__(self, renderer: Renderer, door: Door, look: Reads[CaseView]) -> None:
        self._renderer = renderer
        self._door = door
        self._look = look

    def after(self, outcome: str) -> Show:
        """The page that tells one outcome."""

        async def show(language: str, request: Request) -> Response:
            form: Form = {}
            try:
                form = await read_sent(request, KNOWN)
                entered = await self._door.enter(request, form, self._look)
            except Problem as problem:
                return self._door.again("status", language, form, problem)
            view = _without_offer(entered.view) if OUTCOMES[outcome] else entered.view
            if outcome == "hour_gone":
                view = replace(view, kept=None)  # that it has gone may not have come round to us yet
            notice = self._renderer.words[language].texts["choice"]["outcomes"][outcome]
            return standing_page(self._renderer, language, replace(entered, view=view), notice)

        return show


def _without_offer(view: CaseView) -> CaseView:
    """What was just decided, though it has not come round to us yet: nobody is asked to choose a second time."""
    if view.standing.state != "offered":
        return view
    looking = Standing("matching", "system", view.standing.since, None, None, "wait")
    return replace(view, standing=looking, options=())
