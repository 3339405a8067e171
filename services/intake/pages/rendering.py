"""Pages as they leave: escaped, never stored, in no frame, with no script or style but our two files."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi import Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from services.intake.api.cards import CardDeck
from services.intake.settings.page_words import Words
from shared.web import Problem

HERE = Path(__file__).parent
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self';"
    " form-action 'self'{choose_at}; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
DEFAULT = "en"  # where an address names no language
NONE: Mapping[str, str] = {}
Titles = Mapping[str, Mapping[str, Mapping[str, str]]]
TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class File:
    """A file of ours; its name changes with its content, so that it may be kept for a year."""

    path: str
    content: bytes
    media_type: str


def read_files(folder: Path = HERE / "static") -> dict[str, File]:
    """All files by their plain name."""
    return {path.name: _file(path) for path in sorted(folder.iterdir()) if path.suffix in TYPES}


class Renderer:
    """Makes a page from a template, the words of its language and the numbers to call."""

    def __init__(
        self,
        words: Mapping[str, Words],
        cards: CardDeck,
        titles: Titles,
        *,
        exit_url: str,
        choose_at: str,
        for_trial: bool,
    ) -> None:
        self.words = words
        self.titles = {language: _in_language(titles, words[language]) for language in words}
        self.files = read_files()
        self._cards = cards
        policy = POLICY.format(choose_at=f" {choose_at}" if choose_at else "")
        self._headers = HEADERS | {"Content-Security-Policy": policy}
        self._environment = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals |= {
            "exit_url": exit_url,
            "choose_at": choose_at,
            "for_trial": for_trial,
            "files": {name: file.path for name, file in self.files.items()},
            "several_languages": {tag: one.texts["own_name"] for tag, one in words.items()},
        }

    def page(
        self,
        template: str,
        language: str,
        *,
        status: int = 200,
        province: str | None = None,
        headers: Mapping[str, str] = NONE,
        **shown: Any,
    ) -> Response:
        """The page; the numbers to call are on every one, those of a province where it is known."""
        words = self.words[language]
        html = self._environment.get_template(f"{template}.html").render(
            t=words.texts,
            words=words,
            titles=self.titles[language],
            card=self._cards.card(province, language),
            **{"urgent": False, "draft": {}, "errors": {}} | shown,
        )
        return Response(html, status, {**headers, **self._headers}, media_type="text/html")

    def other_help(self, kind: str | None, province: str, language: str) -> Mapping[str, Any] | None:
        """Other help in words, for a page that names it; None where none is offered."""
        return self._cards.other_help(kind, province, language) if kind else None

    def problem(self, language: str, problem: Problem) -> Response:
        """What went wrong, as far as it helps to know, and whom to call meanwhile."""
        return self.page(
            "problem", language, status=problem.status, headers=problem.headers, code=problem.code
        )

    def page_of(self, path: str, problem: Problem) -> Response | None:
        """For `show_problems`: a page in the language of the path; None where no page of ours is."""
        language = path.split("/")[1] or DEFAULT
        return self.problem(language, problem) if language in self.words else None


def _in_language(titles: Titles, words: Words) -> dict[str, dict[str, str]]:
    named = {
        group: {code: texts[words.language] for code, texts in codes.items()}
        for group, codes in titles.items()
    }
    return named | {group: words.texts[group] for group in ("times", "written")}


def _file(path: Path) -> File:
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()[:12]
    return File(f"/files/{path.stem}-{digest}{path.suffix}", content, TYPES[path.suffix])
