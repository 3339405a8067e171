"""Ways to break a right history, each by the name of the check that must find it."""

from collections.abc import Callable

from simulation.history import History

Break = Callable[[History], None]
BREAKS: list[tuple[str, str, Break]] = []


def breaks(check: str) -> Callable[[Break], Break]:
    def keep(function: Break) -> Break:
        BREAKS.append((check, function.__name__, function))
        return function

    return keep
