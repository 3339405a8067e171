"""The four steps as activities: each is called in a worker, and what it gives back is kept in the workflow's history."""

from dataclasses import dataclass

from pydantic import BaseModel
from temporalio import activity

from benchmarks.peers.steps.all_of_them import Steps
from benchmarks.peers.steps.taking_in import Handle
from services.intake.domain.requests import CareRequest
from shared.contracts.intake import CaseSubmitted
from shared.contracts.matching import MatchMade
from shared.contracts.scheduling import AppointmentBooked


class Asked(BaseModel):
    """What a workflow begins with. A model, for the library works out how to read anything else again each time, which took a third of
    a worker's time in Python. `locally`: the worker that has the workflow takes the steps itself, and tells the server of all at once."""

    request: CareRequest
    handle: Handle
    locally: bool


@dataclass(frozen=True, slots=True)
class Activities:
    """The steps of a worker, as its library calls them."""

    steps: Steps

    async def take_in(self, asked: Asked) -> CaseSubmitted:
        """The first step."""
        return await self.steps.reception.take(asked.request, asked.handle)

    async def match(self, case: CaseSubmitted) -> MatchMade | None:
        """The second."""
        return await self.steps.matchmaker.match(case)

    async def book(self, made: MatchMade) -> AppointmentBooked | None:
        """The third."""
        return await self.steps.diary.book(made)

    async def tell(self, booked: AppointmentBooked) -> None:
        """The fourth."""
        await self.steps.teller.tell(booked)


# Called and not written above the functions: a checker that does not have the library sees their types so.
for _one in (Activities.take_in, Activities.match, Activities.book, Activities.tell):
    activity.defn(_one)
