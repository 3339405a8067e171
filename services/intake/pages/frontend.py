"""The routes of the pages: where each begins, and our files."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from fastapi import APIRouter, FastAPI, Request, Response

from services.intake.api.accepting import CaseCounter
from services.intake.api.cards import CardDeck
from services.intake.api.contacts import ContactDesk
from services.intake.api.pauses import PauseDesk
from services.intake.api.sessions import SessionCounter
from services.intake.api.shedding import Reads
from services.intake.api.wishes import WishDesk
from services.intake.api.withdrawals import WithdrawalCounter
from services.intake.domain.policy import Policy
from services.intake.handlers.invitations import Answered, Outcome
from services.intake.pages.answering import Answering
from services.intake.pages.asking import Asking
from services.intake.pages.choosing import OUTCOMES, Choosing
from services.intake.pages.entering import Door
from services.intake.pages.leaving import Leaving
from services.intake.pages.looking import Looking
from services.intake.pages.pausing import Waiting
from services.intake.pages.reach import Reaching
from services.intake.pages.rendering import File, Renderer
from services.intake.pages.wishing import Wishing
from services.intake.repository.standings import CaseView
from services.intake.repository.taking_part import OwnView
from services.intake.settings.page_words import read_words
from shared import web

LANGUAGES = ("en", "ur")
FORM_PATHS = tuple(
    f"/{language}/{page}"
    for language in LANGUAGES
    for page in (
        "steps",
        "status",
        "withdraw",
        "wishes",
        "reach",
        "pause",
        "resume",
        "invitation",
        *(f"choice/{outcome}" for outcome in OUTCOMES),
    )
)
Page = Callable[[str, Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Frontend:
    """What the pages are made of."""

    renderer: Renderer
    asking: Asking
    looking: Looking
    leaving: Leaving
    wishing: Wishing
    reaching: Reaching
    choosing: Choosing
    waiting: Waiting
    answering: Answering


@dataclass(frozen=True, slots=True)
class Behind:
    """The use cases that the pages stand in front of; the routes for programs have the same."""

    counter: CaseCounter
    sessions: SessionCounter
    look: Reads[CaseView]
    look_own: Reads[OwnView]
    answer: Callable[[Answered], Awaitable[Outcome]]
    wishes: WishDesk
    contacts: ContactDesk
    withdrawals: WithdrawalCounter
    pauses: PauseDesk


def open_renderer(policy: Policy, exit_url: str, choose_at: str = "") -> Renderer:
    """What every page looks like; for trying out as long as somebody has still to answer for a text."""
    words = read_words()
    for_trial = bool(policy.unsigned) or not all(one.reviewed for one in words.values())
    return Renderer(
        words,
        CardDeck(policy.lines, policy.other_help),
        policy.titles,
        exit_url=exit_url,
        choose_at=choose_at,
        for_trial=for_trial,
    )


def open_frontend(renderer: Renderer, behind: Behind) -> Frontend:
    """The pages in front of these use cases."""
    door = Door(renderer, behind.sessions)
    return Frontend(
        renderer,
        Asking(renderer, behind.counter),
        Looking(renderer, door, behind.look, behind.look_own),
        Leaving(renderer, door, behind.withdrawals),
        Wishing(renderer, door, behind.wishes),
        Reaching(renderer, door, behind.contacts),
        Choosing(renderer, door, behind.look),
        Waiting(renderer, door, behind.pauses),
        Answering(renderer, behind.answer),
    )


def serve_pages(app: FastAPI, frontend: Frontend) -> None:
    """Every page, its forms, and a page for whatever goes wrong at their addresses."""
    app.include_router(_routes(frontend))
    for path in FORM_PATHS:
        web.read_other_bodies(app, "POST", path, web.FORMS)
    web.show_problems(app, frontend.renderer.page_of)


def _routes(frontend: Frontend) -> APIRouter:
    """/, /en/, /ur/ with the steps, the status and invitations below, and /files/."""
    router = APIRouter(include_in_schema=False)
    router.add_api_route("/", choose_language, methods=["GET"])
    pages: dict[tuple[str, str], Page] = {
        ("GET", ""): frontend.asking.begin,
        ("POST", "steps"): frontend.asking.go_on,
        ("GET", "steps"): begin_again,
        ("GET", "status"): frontend.looking.ask_for_code,
        ("POST", "status"): frontend.looking.show,
        ("GET", "withdraw"): frontend.leaving.ask_for_code,
        ("POST", "withdraw"): frontend.leaving.leave,
        ("GET", "wishes"): frontend.wishing.ask_for_code,
        ("POST", "wishes"): frontend.wishing.change,
        ("GET", "reach"): frontend.reaching.ask_for_code,
        ("POST", "reach"): frontend.reaching.change,
        ("GET", "pause"): frontend.waiting.ask_for_code("pause"),
        ("POST", "pause"): frontend.waiting.pause,
        ("GET", "resume"): frontend.waiting.ask_for_code("resume"),
        ("POST", "resume"): frontend.waiting.resume,
        ("GET", "invitation"): frontend.answering.ask_for_code,
        ("POST", "invitation"): frontend.answering.answer,
    }
    for outcome in OUTCOMES:
        pages["GET", f"choice/{outcome}"] = frontend.looking.ask_for_code
        pages["POST", f"choice/{outcome}"] = frontend.choosing.after(outcome)
    for language in LANGUAGES:
        for (method, path), page in pages.items():
            router.add_api_route(f"/{language}/{path}", _in(language, page), methods=[method])
    for file in frontend.renderer.files.values():
        router.add_api_route(file.path, partial(_serve, file), methods=["GET"])
    return router


async def choose_language(request: Request) -> Response:
    """To Urdu for whoever reads it rather than English, to English for everybody else."""
    wanted = [part.split(";")[0].strip() for part in request.headers.get("accept-language", "").split(",")]
    known = [one[:2].lower() for one in wanted if one[:2].lower() in LANGUAGES]
    headers = {"Location": f"/{known[0] if known else 'en'}/", "Vary": "Accept-Language"}
    return Response(status_code=303, headers=headers | {"Cache-Control": "no-store"})


async def begin_again(language: str, _: Request) -> Response:
    """A step that was typed or kept as an address: nothing is known any more, so from the beginning."""
    return Response(status_code=303, headers={"Location": f"/{language}/", "Cache-Control": "no-store"})


def _in(language: str, page: Page) -> Callable[[Request], Awaitable[Response]]:
    async def in_language(request: Request) -> Response:
        return await page(language, request)

    return in_language


async def _serve(file: File) -> Response:
    headers = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
    return Response(file.content, headers=headers, media_type=file.media_type)
