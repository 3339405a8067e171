"""Requests as the domain understands them, for tests that begin behind HTTP."""

from dataclasses import replace
from typing import Any

from services.intake.domain.contacts import USUAL_WINDOWS, Contact
from services.intake.domain.requests import CareRequest, Consent, Needs
from services.intake.domain.screening import Answers

CALM: Answers = (0, 1, 2, 0, 1, 0, 1, 0, 0)
NEEDS = Needs("individual", ("video",), ("ur",), ("anxiety",), "PK-PB", None, "25-34", (), None)
CONTACT = Contact("sms", "+923991234567", "ur", "Latn", USUAL_WINDOWS, "own")
CONSENT = Consent(True, True, "2026-01", "en")


def somebody(answers: Answers | None = CALM, **needs: Any) -> CareRequest:
    """An ordinary request."""
    return CareRequest(
        replace(NEEDS, **needs), CONTACT, CONSENT, {} if answers is None else {"phq9": answers}
    )
