"""What partners reads from its environment; the only place that does."""

from datetime import timedelta
from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.settings import ProcessSettings

Role = Literal["all", "api", "worker", "migrate"]


class Settings(BaseSettings):
    """`PARTNER_TOPICS` names, with commas, the organisations that read a Kafka topic of their own; `FEED_DAYS` is for
    how long the feed can be read back, as long as such a topic by default."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    process: ProcessSettings = Field(default_factory=ProcessSettings)
    token_public_key_file: Path = Path("token.public.json")
    partner_topics: str = "rehmat-hospital"
    feed_days: int = Field(default=30, ge=1)
    # Whoever catches up asks page by page without a pause, a thousand events each; whoever follows asks once in 20 seconds.
    # One that asks without end must not be what the others wait for. Design.
    feed_burst: int = Field(default=60, ge=1)
    feed_per_second: float = Field(default=10, gt=0)
    pool_size: int = 4

    @property
    def organisations(self) -> tuple[str, ...]:
        """The organisations with a topic, in the order given."""
        return tuple(name.strip() for name in self.partner_topics.split(",") if name.strip())

    @property
    def feed_kept(self) -> timedelta:
        """How far back the feed reaches."""
        return timedelta(days=self.feed_days)
