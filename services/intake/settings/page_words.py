"""Reads what our own pages say, by language: their texts and the consent text a clinician signs."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.intake.settings.data_files import DATA
from shared.settings import read_yaml


@dataclass(frozen=True, slots=True)
class Words:
    """One language. `texts` is the file as it stands; `consent` are the words of the newest text by purpose."""

    language: str
    texts: Mapping[str, Any]
    consent_version: str
    consent: Mapping[str, str]

    @property
    def reviewed(self) -> bool:
        """Whether somebody answers for these texts."""
        return bool(self.texts["reviewed"])


def read_words(folder: Path = DATA) -> dict[str, Words]:
    """The languages of the pages by their tag. Raises KeyError where a language lacks what another one has."""
    newest = read_yaml(folder / "consent.yaml")["texts"][-1]
    pages = [read_yaml(path) for path in sorted((folder / "pages").glob("*.yaml"))]
    return {
        texts["language"]: Words(
            texts["language"],
            texts,
            newest["version"],
            newest["words"][texts["language"]],
        )
        for texts in pages
    }
