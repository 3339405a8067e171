"""What people answer to questionnaires and red-flag questions: latent factors, cut at thresholds. No item text."""

import random
from collections.abc import Sequence
from math import sqrt
from typing import Any

# Design model; gives a mean total of 11.9 and item 9 above zero in 24.4 % (an Australian service saw 26.1 %).
MEAN, SPREAD = 0.4, 1.0
LOADINGS = (0.8, 0.85, 0.65, 0.75, 0.6, 0.75, 0.65, 0.55, 0.65)
USUAL = (-0.6, 0.35, 1.0)
ITEM_8, ITEM_9 = (0.1, 0.9, 1.6), (0.95, 1.65, 2.3)
THRESHOLDS = (USUAL,) * 7 + (ITEM_8, ITEM_9)
PARTIAL = 0.03

# Anxiety is a second factor, correlated with the first; a third of those who read answer GAD-7 too.
CORRELATION, WITH_GAD7 = 0.7, 0.35
GAD7_LOADINGS = (0.7,) * 7
# Who does not read is asked yes or no: nine of twenty on average, the item about ending one's life like PHQ-9's ninth.
SRQ20_LOADINGS, SRQ20_YES, SRQ20_ENDING, ENDING = (0.7,) * 20, 0.41, 0.95, 16
# Red flags: by the problem named, and by chance.
FLAGGED = {"psychosis": ("psychosis", 0.5), "addiction": ("withdrawal", 0.2), "perinatal": ("perinatal", 0.9)}
BY_CHANCE = {"mania": 0.005, "violence": 0.015}

Answers = list[int | None]


def questionnaires(chance: random.Random, more: random.Random, *, reads: bool) -> dict[str, Answers]:
    """The answers by instrument. `chance` is drawn from alike for everybody, `more` as the person needs."""
    severity = chance.gauss(MEAN, SPREAD)
    phq9 = _phq9(severity, chance)
    if not reads:
        return {"srq20": _srq20(severity, more)}
    return {"phq9": phq9, "gad7": _gad7(severity, more)} if more.random() < WITH_GAD7 else {"phq9": phq9}


def red_flags(more: random.Random, problems: Sequence[str]) -> list[str]:
    """What is answered with yes."""
    likely = dict(FLAGGED[problem] for problem in problems if problem in FLAGGED) | BY_CHANCE
    return [flag for flag, share in likely.items() if more.random() < share]


def is_alarming(body: dict[str, Any]) -> bool:
    """Whether one answer alone must raise an alarm, whatever the totals."""
    answers = body["answers"]
    single = [answers[name][item] for name, item in (("phq9", 8), ("srq20", ENDING)) if name in answers]
    return any(single) or "violence" in body.get("red_flags", ())


def _phq9(severity: float, chance: random.Random) -> Answers:
    """Nine answers from 0 to 3; in 3 % of the questionnaires some were left out (None)."""
    felt = _felt(severity, LOADINGS, chance)
    given: Answers = [
        sum(item > bound for bound in bounds) for item, bounds in zip(felt, THRESHOLDS, strict=True)
    ]
    if chance.random() < PARTIAL:
        for place in chance.sample(range(9), chance.randint(1, 4)):
            given[place] = None
    return given


def _gad7(severity: float, chance: random.Random) -> Answers:
    own = chance.gauss(0, SPREAD * sqrt(1 - CORRELATION**2))
    anxiety = MEAN + CORRELATION * (severity - MEAN) + own
    return [sum(item > bound for bound in USUAL) for item in _felt(anxiety, GAD7_LOADINGS, chance)]


def _srq20(severity: float, chance: random.Random) -> Answers:
    felt = _felt(severity, SRQ20_LOADINGS, chance)
    return [int(item > (SRQ20_ENDING if place == ENDING else SRQ20_YES)) for place, item in enumerate(felt)]


def _felt(factor: float, loadings: Sequence[float], chance: random.Random) -> list[float]:
    """One latent answer per item: its share of the factor, and noise that brings its spread to one."""
    return [loading * factor + sqrt(1 - loading**2) * chance.gauss(0, 1) for loading in loadings]
