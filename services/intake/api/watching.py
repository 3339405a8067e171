"""Watching how cases stand, by their version: it rises with every change that their people would see."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from services.intake.repository.standings import CaseView
from shared.messaging.failures import is_transient
from shared.web.watching import EVERY_SECONDS, MOST_WATCHERS, Watch, Watcher

CaseWatch = Watch[CaseView]
CaseWatcher = Watcher[CaseView]
# Where a code has no case, None stands in its place.
LookAtAll = Callable[[Sequence[str]], Awaitable[Sequence[CaseView | None]]]


def watch_cases(
    look: LookAtAll, *, most: int = MOST_WATCHERS, every_seconds: float = EVERY_SECONDS
) -> CaseWatch:
    """One per process; watched are the cases' codes."""

    async def found(codes: Sequence[str]) -> Mapping[str, CaseView]:
        return {view.case_code: view for view in await look(codes) if view is not None}

    return Watch(found, version_of, passes=is_transient, most=most, every_seconds=every_seconds)


def version_of(view: CaseView) -> int:
    """What its news are numbered by."""
    return view.version
