"""What an event is on the wire; every contract module builds on this and on nothing else."""

from typing import ClassVar, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict

Lane = Literal["routine", "crisis", "online", "in_person"]
Modality = Literal["video", "audio", "phone", "in_person"]


class Value(BaseModel):
    """A part of an event. Readers ignore unknown fields; writers are held to the model by mypy."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Event(Value):
    """One fact. `type_name` is `<producer>.<snake_event>.v<N>`; the key is what the fact is about."""

    type_name: ClassVar[str]
    topic: ClassVar[str]
    key_field: ClassVar[str]

    @property
    def key(self) -> str:
        return str(getattr(self, self.key_field))

    @property
    def destination(self) -> str:
        """The topic this very event goes to; one topic per type unless a lane or partner decides."""
        return self.topic


class Topic(Value):
    """One row of the table of topics: created and checked at start, and the Kafka ACL."""

    name: str
    producer: str
    readers: tuple[str, ...]
    key: str
    lane: Lane = "routine"
    partitions: int = 12
    retention_days: int | None = 14
    compacted: bool = False


__all__ = ["AwareDatetime", "Event", "Lane", "Modality", "Topic", "Value"]
