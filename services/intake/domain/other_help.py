"""Other help while somebody waits, in words: what it is called, what it is, and what to do next."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

LANGUAGES = frozenset({"en", "ur", "ur-Latn"})
BY_TELEPHONE = "helpline"
Texts = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class KindOfHelp:
    """One kind; each of its texts by language."""

    title: Texts
    about: Texts
    next: Texts

    @property
    def texts(self) -> Sequence[Texts]:
        """All that has to be there in every language."""
        return (self.title, self.about, self.next)


@dataclass(frozen=True, slots=True)
class OtherHelp:
    """All kinds by their code; `without_lines` is what to do next where a helpline is offered and none is verified."""

    version: str
    kinds: Mapping[str, KindOfHelp]
    without_lines: Texts

    @property
    def is_whole(self) -> bool:
        """Whether every text is there in every language."""
        texts = [self.without_lines, *(text for kind in self.kinds.values() for text in kind.texts)]
        return all(set(text) == LANGUAGES for text in texts)


def described(
    help: OtherHelp, kind: str, language: str, on_the_card: Iterable[Mapping[str, Any]]
) -> dict[str, Any]:
    """`{kind, lang, title, about, next, lines}`; of the crisis card's lines those that are verified, for a helpline alone.
    A language without words is answered in English, a kind without words by its code alone."""
    words = help.kinds.get(kind)
    if words is None:
        return {"kind": kind}
    spoken = language if language in LANGUAGES else "en"
    said = {"kind": kind, "lang": spoken, "title": words.title[spoken], "about": words.about[spoken]}
    if kind != BY_TELEPHONE:
        return said | {"next": words.next[spoken], "lines": []}
    lines = [line for line in on_the_card if line["trust"] == "verified"]
    return said | {"next": (words.next if lines else help.without_lines)[spoken], "lines": lines}
