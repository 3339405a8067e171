"""What partners reads from its environment; the only place that does."""

from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.settings import ProcessSettings

Role = Literal["all", "migrate"]


class Settings(BaseSettings):
    """`PARTNER_TOPICS` names, with commas, the organisations that read a Kafka topic of their own."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    process: ProcessSettings = Field(default_factory=ProcessSettings)
    partner_topics: str = "rehmat-hospital"
    pool_size: int = 4

    @property
    def organisations(self) -> tuple[str, ...]:
        """The organisations, in the order given."""
        return tuple(name.strip() for name in self.partner_topics.split(",") if name.strip())
