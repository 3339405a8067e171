"""Other help while somebody waits: which kind, by rules that a clinician may set without touching code."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from services.matching.domain.vocabulary import Reason

AlternativeKind = Literal["circle", "lay_care", "family_doctor", "helpline", "self_help"]
# What everybody may go to as they are. The others need somebody registered who has room, and there is no such register.
OPEN_TO_ALL: Collection[AlternativeKind] = ("family_doctor", "helpline", "self_help")


class PromisedWithoutPlaceError(Exception):
    """A rule offers what nobody here can give; the service does not start."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Fits cases of these steps (None: of any) whose priority is at least this."""

    kind: AlternativeKind
    steps: frozenset[int] | None = None
    least_priority: int = 0


@dataclass(frozen=True, slots=True)
class Alternatives:
    """Rules in order; nothing is offered to whoever waits for a reason in `not_for`."""

    version: str
    rules: Sequence[Rule]
    not_for: frozenset[str] = frozenset()

    def checked(self) -> "Alternatives":
        """Only what is there may be offered."""
        for rule in self.rules:
            if rule.kind not in get_args(AlternativeKind) or rule.kind not in OPEN_TO_ALL:
                raise PromisedWithoutPlaceError(rule.kind)
        return self

    def kind_for(self, step: int, priority: int, reason: Reason) -> AlternativeKind | None:
        """The first that fits; None if none does."""
        if reason in self.not_for:
            return None
        fitting = (
            rule.kind
            for rule in self.rules
            if priority >= rule.least_priority and (rule.steps is None or step in rule.steps)
        )
        return next(fitting, None)
