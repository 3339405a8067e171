"""Where the hospital reads, writes and answers."""

from pathlib import Path

from pydantic_settings import BaseSettings, SettingsConfigDict

from simulation.network import KEY_FILE


class HospitalSettings(BaseSettings):
    """Environment variables without a prefix, as every process of the local stack reads them."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    kafka_bootstrap_servers: str = "127.0.0.1:9092"
    topic: str = "partners.bookings.rehmat-hospital"
    http_host: str = "127.0.0.1"
    http_port: int = 8190
    sink_dir: Path = Path(".local/sinks")
    partners_url: str = "http://127.0.0.1:8105"
    partner_key_file: Path = Path(f".local/secrets/{KEY_FILE}")
