"""Who sits in front of a staff page: a pasted staff token in a cookie that no script reads and no other site sends."""

import re
import time
from collections.abc import Collection
from dataclasses import dataclass

from fastapi import APIRouter, Request, Response

from services.console.domain.tasks import QUEUES
from services.console.pages.rendering import HEADERS, SignedIn, StaffPages
from shared.web import Principal, Problem, TokenVerifier
from shared.web.staff_forms import check_mark, mark, read_staff_form

COOKIE = "console"
# The pages, and nothing else of this host: the other services are at the same one.
PATHS = ("/tasks", "/journeys")
BACK = re.compile(r"/(tasks|journeys(/[0-9A-Za-z-]{1,40})?)", re.ASCII)
FIELDS = ("form", "token", "back")


@dataclass(frozen=True, slots=True)
class Reception:
    """`form_key` marks the forms of a session, `only_tls` keeps the cookie off open lines."""

    pages: StaffPages
    form_key: bytes
    only_tls: bool

    def signed_in(self, request: Request, roles: Collection[str]) -> SignedIn:
        """Raises Problem 401 for whoever is not known, 403 for whoever may not look at this page."""
        token = request.cookies.get(COOKIE, "")
        return SignedIn(principal_of(request, token, roles), mark(token, self.form_key))

    def refused(self, request: Request, problem: Problem) -> Response:
        """The page to sign in at, or one that says why not."""
        if problem.status == 401:
            return self.pages.sign_in(_back(request.url.path), 401, problem.detail)
        return self.pages.nothing(None, problem.status, problem.detail)


def sign_in_routes(reception: Reception) -> APIRouter:
    """Signing in and out; pages for people, so not in the description of the interface."""
    router = APIRouter(include_in_schema=False)

    @router.post("/tasks/sign-in")
    async def sign_in(request: Request) -> Response:
        """Keeps the pasted token in a cookie until it expires."""
        form: dict[str, str] = {}
        try:
            form = await read_staff_form(request, FIELDS)
            token = form.get("token", "").strip()
            principal = principal_of(request, token, tuple(QUEUES))
        except Problem as problem:
            return reception.pages.sign_in(_back(form.get("back", "")), problem.status, problem.detail)
        answer = to(_back(form.get("back", "")))
        _set_cookies(reception, answer, token, max(0, int(principal.expires - time.time())))
        return answer

    @router.post("/tasks/sign-out")
    async def sign_out(request: Request) -> Response:
        """Forgets the token."""
        try:
            who = reception.signed_in(request, tuple(QUEUES))
            check_mark(await read_staff_form(request, FIELDS), who.form)
        except Problem as problem:
            return reception.refused(request, problem)
        answer = to("/tasks")
        _set_cookies(reception, answer, "", 0)
        return answer

    return router


def principal_of(request: Request, token: str, roles: Collection[str]) -> Principal:
    """Raises Problem 401 or 403."""
    if not token:
        raise Problem(401, "token_missing", "")
    verifier: TokenVerifier = request.app.state.tokens
    principal = verifier.verify(token, now=time.time())
    if principal.role not in roles:
        raise Problem(403, "forbidden", "This role may not do that.")
    if not principal.name:
        raise Problem(403, "name_needed", "Only a named human may do this.")
    return principal


def to(path: str) -> Response:
    """See there: reloading sends nothing twice."""
    return Response(None, 303, HEADERS | {"Location": path})


def _back(path: str) -> str:
    """Only to pages of ours."""
    return path if BACK.fullmatch(path) else "/tasks"


def _set_cookies(reception: Reception, answer: Response, token: str, seconds: int) -> None:
    for path in PATHS:
        answer.set_cookie(
            COOKIE,
            token,
            max_age=seconds,
            path=path,
            secure=reception.only_tls,
            httponly=True,
            samesite="strict",
        )
