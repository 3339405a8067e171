"""A therapist as a row and back: the columns of a profile, and those of a suspension."""

from typing import Any

import asyncpg

from services.matching.domain.therapists import Competence, Profile, Speaks, Suspension, Therapist

# Columns that hold a field of the profile as it is; the others are made below.
PLAIN = (
    "organisation",
    "profession",
    "gender",
    "kinds",
    "modalities",
    "age_bands",
    "fee",
    "sliding_fee",
    "sliding_share",
    "coverage",
    "access",
    "faith_sensitive",
    "weekly_limit",
    "sites",
    "supervisor",
    "register_status",
    "valid_until",
    "status",
)
MADE = ("languages", "fluencies", "competences", "problem_areas", "steps")
SUSPENSION = ("suspended_from", "suspended_until", "suspended_for")

WRITTEN = (*PLAIN, *MADE)
READ = ", ".join((*PLAIN, "languages", "fluencies", "competences", *SUSPENSION))


def values_of(profile: Profile) -> list[Any]:
    """One value for each of WRITTEN."""
    competences = [
        {"problem_area": one.problem_area, "steps": one.steps, "specialist": one.specialist}
        for one in profile.competences
    ]
    return [
        *(getattr(profile, name) for name in PLAIN),
        [one.language for one in profile.languages],
        [one.fluency for one in profile.languages],
        competences,
        [one.problem_area for one in profile.competences],
        sorted({step for one in profile.competences for step in one.steps}),
    ]


def therapist_of(row: asyncpg.Record) -> Therapist:
    """A row as the domain knows it."""
    plain: dict[str, Any] = {
        name: tuple(row[name]) if isinstance(row[name], list) else row[name] for name in PLAIN
    }
    profile = Profile(
        **plain,
        languages=tuple(
            Speaks(language, fluency)
            for language, fluency in zip(row["languages"], row["fluencies"], strict=True)
        ),
        competences=tuple(
            Competence(one["problem_area"], tuple(one["steps"]), one["specialist"])
            for one in row["competences"]
        ),
    )
    return Therapist(row["therapist_id"], profile, _suspension_of(row))


def _suspension_of(row: asyncpg.Record) -> Suspension | None:
    if row["suspended_from"] is None:
        return None
    return Suspension(row["suspended_from"], row["suspended_until"], row["suspended_for"])
