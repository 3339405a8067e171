"""Asking, one small page per step: each looks at what was said so far, the last one sends it."""

import re
import secrets
from collections.abc import Mapping, Sequence

import orjson
from fastapi import Request, Response

from services.intake.api.accepting import Answered, CaseCounter, accept_body
from services.intake.pages.reading_back import said_so_far
from services.intake.pages.rendering import Renderer
from services.intake.pages.shortcomings import by_field, problems_of, step_of
from services.intake.pages.steps import (
    ANSWERS,
    ORDER,
    REVIEW,
    SEVERAL,
    STEPS,
    asked_until,
    awaits,
    first,
    is_minor,
    request_of,
)
from shared.web import FieldProblem, Problem, parse_form
from shared.web.forms import Form

START = "start"
KNOWN = frozenset({*ANSWERS, "key", "step", "go"})
KEY = re.compile(r"[0-9a-f]{32}")


class Asking:
    """GET /{language}/ and POST /{language}/steps."""

    def __init__(self, renderer: Renderer, counter: CaseCounter) -> None:
        self._renderer = renderer
        self._counter = counter

    async def begin(self, language: str, _: Request) -> Response:
        """The first page; the key of the request is made here and goes with it to its end."""
        return self._renderer.page(START, language, key=secrets.token_hex(16))

    async def go_on(self, language: str, request: Request) -> Response:
        """The page that follows from the one that was sent: the next, the one before, or the same with what is wrong."""
        try:
            form = _read(await request.body())
            return await self._answer(language, form, request)
        except Problem as problem:
            return self._renderer.problem(language, problem)

    async def _answer(self, language: str, form: Form, request: Request) -> Response:
        step, go = first(form, "step") or START, first(form, "go") or "next"
        if go == "send":
            return await self._send(language, form, request)
        if go in STEPS or go == "stay":
            return self._step(go if go in STEPS else step, language, form)
        if go == "back":
            return self._step(_beside(step, -1), language, form)
        if step != START and (wrong := self._wrong(language, form, step)):
            return self._step(_earliest(wrong), language, form, wrong)
        return self._step(_beside(step, 1), language, form)

    async def _send(self, language: str, form: Form, request: Request) -> Response:
        if wrong := self._wrong(language, form, REVIEW):
            return self._step(_earliest(wrong), language, form, wrong)
        body = orjson.dumps(self._request(language, form, REVIEW), option=orjson.OPT_SORT_KEYS)
        try:
            told = await accept_body(self._counter, request, form["key"][0], body)
        except Problem as problem:
            return self._not_sent(language, form, problem)
        return self._done(language, form, told)

    def _not_sent(self, language: str, form: Form, problem: Problem) -> Response:
        if problem.code == "idempotency_key_reused":
            return self._renderer.page("sent_already", language, status=problem.status)
        code = "in_flight" if problem.code == "in_flight" else "away"
        wrong = {REVIEW: FieldProblem("", code, "")}
        return self._step(REVIEW, language, form, wrong, problem.status)

    def _done(self, language: str, form: Form, told: Answered) -> Response:
        return self._renderer.page(
            "done",
            language,
            province=told.province,
            urgent=told.alarmed,
            code=told.case_code,
            pin=told.pin,
            awaits=awaits(form),
            guardian_asked="guardian_phone" in form,
            others=[(one["code"], one["pin"]) for one in told.participants],
        )

    def _step(
        self,
        step: str,
        language: str,
        form: Form,
        wrong: Mapping[str, FieldProblem] | None = None,
        status: int = 422,
    ) -> Response:
        if step == START:
            return self._renderer.page(START, language, key=form["key"][0])
        flags = form.get("red_flags", ())
        policy = self._counter.policy
        return self._renderer.page(
            step,
            language,
            status=status if wrong else 200,
            province=(first(form, "place") or "").partition("|")[0] or None,
            urgent=bool(policy.red_flags.raised(flags)),  # type: ignore[arg-type]  # unknown ones raise nothing
            step=step,
            number=ORDER.index(step) + 1,
            total=len(ORDER),
            key=form["key"][0],
            draft=form,
            carried=[(name, one) for name in _carried(step) for one in form.get(name, ())],
            errors=wrong or {},
            minor=is_minor(form),
            cities=policy.places.cities.values(),
            said=self._read_back(language, form) if step == REVIEW else {},
        )

    def _read_back(self, language: str, form: Form) -> Mapping[str, Sequence[str]]:
        cities = self._renderer.words[language].texts["cities"]
        return said_so_far(form, self._renderer.titles[language], cities)

    def _wrong(self, language: str, form: Form, step: str) -> dict[str, FieldProblem]:
        problems = problems_of(self._counter.policy, self._request(language, form, step))
        return by_field(problems, first(form, "channel"))

    def _request(self, language: str, form: Form, step: str) -> dict[str, object]:
        version = self._renderer.words[language].consent_version
        return request_of(form, asked_until(step), language, version)


def _read(body: bytes) -> Form:
    form = parse_form(body, KNOWN)
    repeated = [name for name, values in form.items() if len(values) > 1 and name not in SEVERAL]
    step = first(form, "step") or START
    if repeated or not KEY.fullmatch(first(form, "key") or "") or step not in (START, *ORDER):
        raise Problem(400, "broken_form", "This is not what the form sends.")
    return form


def _beside(step: str, distance: int) -> str:
    places = (START, *ORDER)
    return places[min(max(places.index(step) + distance, 0), len(ORDER))]


def _earliest(wrong: Mapping[str, FieldProblem]) -> str:
    return min((step_of(field) for field in wrong), key=ORDER.index)


def _carried(step: str) -> list[str]:
    return [name for name in ANSWERS if name not in STEPS.get(step, ())]
