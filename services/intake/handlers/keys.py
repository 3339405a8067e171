"""The vault answers: one query per question, which is also its record."""

from collections.abc import Sequence

from services.intake.repository import keys
from services.intake.repository.keys import KeyAnswer, KeyQuestion
from shared.messaging import Transaction


async def answer_questions(questions: Sequence[KeyQuestion], tx: Transaction) -> list[list[KeyAnswer]]:
    """In the order of the questions."""
    return [await keys.read_keys(tx, question) for question in questions]
