"""The names of facts that events wait for."""

from uuid import UUID


def therapist_fact(therapist_id: UUID) -> str:
    """Matching has told of this therapist."""
    return f"therapist:{therapist_id}"


def care_fact(case_id: UUID) -> str:
    """Consent to care, taken back once, is given again."""
    return f"care:{case_id}"
