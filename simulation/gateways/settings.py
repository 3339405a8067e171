"""Where the simulated gateways listen and write."""

from pathlib import Path

from pydantic_settings import BaseSettings, SettingsConfigDict


class GatewaySettings(BaseSettings):
    """Environment variables without a prefix, as every process of the local stack reads them."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    http_host: str = "127.0.0.1"
    http_port: int = 8180
    smtp_port: int = 8125
    sink_dir: Path = Path(".local/sinks")
    # Where receipts go, and what they are signed with; without both there are none.
    notifications_url: str = ""
    receipts_secret_file: Path | None = None
