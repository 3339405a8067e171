"""Reads the data files that say what a message may contain, once, at start: an unfit text stops the start."""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from services.notifications.domain.addresses import Reserved
from services.notifications.domain.paging import PagingRules
from services.notifications.domain.templates import Language, compile_language
from services.notifications.domain.wording import ForbiddenWords, fold

LANGUAGES = Path(__file__).parent
DATA = LANGUAGES.parent / "data"


@cache
def forbidden_words() -> ForbiddenWords:
    """The lists of all languages together: a message in one language may hold a word of another."""
    content = _read(DATA / "forbidden_words.toml")
    return ForbiddenWords(
        stems=tuple(fold(word) for words in content["stems"].values() for word in words),
        words=frozenset(fold(word) for words in content["words"].values() for word in words),
    )


def load_languages() -> Mapping[str, Language]:
    """Every language that is on, by its tag. Raises UnfitTemplate for a text that is not neutral."""
    forbidden = forbidden_words()
    found = {file.stem: _read(file) for file in sorted(LANGUAGES.glob("*.toml"))}
    return {tag: compile_language(content, forbidden) for tag, content in found.items() if content["on"]}


def read_language(tag: str) -> dict[str, Any]:
    """The content of one language's file as it stands."""
    return _read(LANGUAGES / f"{tag}.toml")


def load_reserved() -> Reserved:
    """The synthetic addresses, the only ones that may be written to outside production."""
    content = _read(DATA / "reserved_addresses.toml")
    return Reserved(
        tuple(content["phone_prefixes"]), frozenset(content["mail_domains"]), tuple(content["mail_endings"])
    )


def load_paging_rules() -> PagingRules:
    """How often an unacknowledged alarm is paged."""
    content = _read(DATA / "paging.toml")
    return PagingRules(content["repeat_minutes"], content["otherwise"], content["handed_over"])


def _read(file: Path) -> dict[str, Any]:
    return tomllib.loads(file.read_text(encoding="utf-8"))
