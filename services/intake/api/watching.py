"""Watching how cases stand, by their version: it rises with every change that their people would see."""

from services.intake.repository.standings import CaseView
from shared.messaging.failures import is_transient
from shared.web.watching import EVERY_SECONDS, MOST_WATCHERS, LookAtAll, Watch, Watcher

CaseWatch = Watch[CaseView]
CaseWatcher = Watcher[CaseView]


def watch_cases(
    look: LookAtAll[CaseView], *, most: int = MOST_WATCHERS, every_seconds: float = EVERY_SECONDS
) -> CaseWatch:
    """One per process; watched are the cases' codes."""
    return Watch(look, version_of, passes=is_transient, most=most, every_seconds=every_seconds)


def version_of(view: CaseView) -> int:
    """What its news are numbered by."""
    return view.version
