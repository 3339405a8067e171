"""Answers to the nine items of the PHQ-9: one latent factor, cut at thresholds. No item text anywhere."""

import random
from math import sqrt

# Design model; gives a mean total of 11.9 and item 9 above zero in 24.4 % (an Australian service saw 26.1 %).
MEAN, SPREAD = 0.4, 1.0
LOADINGS = (0.8, 0.85, 0.65, 0.75, 0.6, 0.75, 0.65, 0.55, 0.65)
USUAL = (-0.6, 0.35, 1.0)
ITEM_8, ITEM_9 = (0.1, 0.9, 1.6), (0.95, 1.65, 2.3)
THRESHOLDS = (USUAL,) * 7 + (ITEM_8, ITEM_9)
NOISE = tuple(sqrt(1 - loading**2) for loading in LOADINGS)
PARTIAL = 0.03


def answers(chance: random.Random) -> list[int | None]:
    """Nine answers from 0 to 3; in 3 % of the questionnaires some were left out (None)."""
    severity = chance.gauss(MEAN, SPREAD)
    felt = [load * severity + noise * chance.gauss(0, 1) for load, noise in zip(LOADINGS, NOISE, strict=True)]
    given: list[int | None] = [
        sum(item > bound for bound in bounds) for item, bounds in zip(felt, THRESHOLDS, strict=True)
    ]
    if chance.random() < PARTIAL:
        for place in chance.sample(range(9), chance.randint(1, 4)):
            given[place] = None
    return given
