"""Which languages people and therapists speak, fitted to the census of 2023 (mother tongue by province)."""

import random
from collections.abc import Mapping
from functools import cache

import numpy as np
from numpy.typing import NDArray

from simulation.population.chance import Weighted

Table = NDArray[np.float64]

# Punjabi, Pashto, Sindhi, Saraiki, Urdu, Balochi, Hindko, Brahui, other; ISO 639 codes. There is no code for
# "other" in our list of languages: these people are met in Urdu.
CODES = ("pa", "ps", "sd", "skr", "ur", "bal", "hno", "brh", "other")
CENSUS = (37.0, 18.1, 14.3, 12.0, 9.3, 3.4, 2.3, 1.2, 2.4)
PROVINCES: Mapping[str, float] = {
    "PK-PB": 0.529,
    "PK-SD": 0.231,
    "PK-KP": 0.169,
    "PK-BA": 0.062,
    "PK-IS": 0.010,
}
ROWS: Mapping[str, tuple[float, ...]] = {
    "PK-PB": (67.0, 2.1, 0.2, 20.5, 7.2, 0.7, 0.4, 0.0, 1.9),
    "PK-SD": (4.0, 5.3, 60.4, 1.9, 22.0, 2.2, 1.0, 0.5, 2.6),
    "PK-KP": (0.5, 80.1, 0.1, 3.2, 1.0, 0.0, 10.7, 0.0, 4.4),
    "PK-BA": (1.0, 34.1, 4.0, 2.4, 1.0, 40.0, 0.4, 16.7, 0.5),
    "PK-IS": (50.1, 18.2, 0.6, 1.2, 14.9, 0.1, 7.2, 0.0, 7.6),
}
# Two territories without a row of their own; Shina is there so that a rare language finds nobody.
NORTH: Mapping[str, Mapping[str, float]] = {
    "PK-GB": {"scl": 0.6, "ur": 0.4},
    "PK-JK": {"hno": 0.3, "pa": 0.4, "ur": 0.3},
}
KARACHI_URDU = 0.5
URDU_AS_WELL = {False: 0.85, True: 0.6}
ENGLISH_AS_WELL = 0.15


def rake(rows: Table, weights: Table, totals: Table, rounds: int = 200) -> Table:
    """Fits a table of shares (one row per province, each summing to 1) to the national totals.

    Iterative proportional fitting: scales columns to `totals`, then rows back to `weights`, until both hold.
    """
    counts = rows * weights[:, None]
    for _ in range(rounds):
        sums = counts.sum(axis=0)
        counts *= np.divide(totals, sums, out=np.zeros_like(sums), where=sums > 0)
        counts *= (weights / counts.sum(axis=1))[:, None]
    fitted: Table = counts / counts.sum(axis=1, keepdims=True)
    return fitted


@cache
def first_languages() -> Mapping[str, Weighted[str]]:
    """The first language by province."""
    rows = np.array(list(ROWS.values())) / 100.0
    weights, totals = np.array(list(PROVINCES.values())), np.array(CENSUS)
    fitted = rake(rows, weights / weights.sum(), totals / totals.sum())
    by_province = {
        province: Weighted(dict(zip(CODES, map(float, row), strict=True)))
        for province, row in zip(PROVINCES, fitted, strict=True)
    }
    return by_province | {province: Weighted(shares) for province, shares in NORTH.items()}


def spoken(chance: random.Random, province: str, city: str, *, rural: bool) -> tuple[str, ...]:
    """The languages of one person, the first one first; most people speak Urdu as well."""
    first = first_languages()[province].draw(chance)
    if city == "Karachi" and chance.random() < KARACHI_URDU:
        first = "ur"
    if first == "other":
        first = "ur"
    languages = [first]
    if first != "ur" and chance.random() < URDU_AS_WELL[rural]:
        languages.append("ur")
    if not rural and chance.random() < ENGLISH_AS_WELL:
        languages.append("en")
    return tuple(languages)
