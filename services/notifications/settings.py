"""What notifications reads from its environment; the only place that does."""

import json
import re
from pathlib import Path
from typing import Literal, Self
from uuid import UUID

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.settings import ProcessSettings
from shared.web.signatures import read_secrets

E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_ID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
Role = Literal["worker", "sender", "pager", "migrate"]
# On the reserved list, and one digit longer than any made-up person's number, so that it is nobody's.
SYNTHETIC_DUTY_DESK = "+9239900000001"


class SenderSettings(BaseSettings):
    """How the sender works. `batch` is at most what the vault answers in one call; a lease is longer than a
    batch takes while gateways are slow, and one chunk of mail at the longest."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_prefix="SENDER_")

    batch: int = Field(default=500, le=500)
    batches_at_once: int = 4
    mail_chunk: int = 10
    mail_connections: int = 4
    mail_lease_seconds: float = 30.0
    poll_seconds: float = 0.2
    lease_seconds: float = 12.0
    vault_retry_seconds: float = 2.0


class PagerSettings(BaseSettings):
    """The duty desk's number is synthetic outside production, where it must be said."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    duty_desk_number: str = SYNTHETIC_DUTY_DESK
    # A JSON object of the numbers of staff by the subject of their tokens, and of desks by the id of their site; who is not
    # in it is paged at the duty desk's and told nothing of bookings.
    staff_numbers_file: Path | None = None
    poll_seconds: float = Field(default=0.1, alias="PAGER_POLL_SECONDS")
    lease_seconds: float = Field(default=6.0, alias="PAGER_LEASE_SECONDS")

    def staff_numbers(self) -> dict[str, str]:
        """Telephones for pages, read at start. Raises ValueError for what is no number in E.164."""
        if self.staff_numbers_file is None:
            return {}
        try:
            numbers = json.loads(self.staff_numbers_file.read_text())
        except ValueError:
            numbers = None
        if not isinstance(numbers, dict) or not all(
            E164.fullmatch(str(number)) for number in numbers.values()
        ):
            raise ValueError("STAFF_NUMBERS_FILE: an object of numbers like +923001234567 by sign-in name")
        return numbers

    def numbers_of_hours(self) -> dict[UUID, str]:
        """Telephones of those who have hours: therapists by the id they sign in with, the desks of sites by the site's id."""
        return {UUID(name): number for name, number in self.staff_numbers().items() if _ID.fullmatch(name)}


class Settings(BaseSettings):
    """One frozen model; every missing name is told at start."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    process: ProcessSettings = Field(default_factory=ProcessSettings)
    sender: SenderSettings = Field(default_factory=SenderSettings)
    pager: PagerSettings = Field(default_factory=PagerSettings)
    vault_url: str = "http://127.0.0.1:8101"
    sms_gateway_url: str = "http://127.0.0.1:8180"
    # Down to the sender's number, as in https://graph.facebook.com/<version>/<phone number id>; unset: not offered.
    whatsapp_url: str = ""
    whatsapp_token: SecretStr = SecretStr("")
    # Of the app that owns the number: its secret signs what WhatsApp tells us (several while one is replaced, with spaces
    # between them); the token is what is entered on both sides to set the webhook up.
    whatsapp_app_secret: SecretStr = SecretStr("")
    whatsapp_verify_token: SecretStr = SecretStr("")
    smtp_host: str = "127.0.0.1"
    smtp_port: int = 8125
    smtp_username: str | None = None
    smtp_password: SecretStr | None = None
    smtp_start_tls: bool | None = None
    mail_sender: str = "desk@humqadam.example"
    mail_sender_name: str = "Appointment desk"
    message_id_domain: str = "humqadam.example"
    service_token_file: Path | None = None
    token_public_key_file: Path = Path("token.public.json")  # whose tokens may read whom to call
    # What gateways sign receipts with, one `whsec_…` a line; without it no receipt is accepted.
    receipts_secret_file: Path | None = None
    # In which language staff are told of bookings: a tag of templates/.
    staff_language: str = "en"
    # Hours by rule, of which only verified rows count; unset: data/sending_hours.toml.
    sending_hours_file: Path | None = None
    gateway_timeout_seconds: float = 4.0
    pool_size: int = 6

    @model_validator(mode="after")
    def _a_real_desk_in_production(self) -> Self:
        """A page to a number that nobody has is a page that nobody reads: then do not start."""
        if self.production and self.pager.duty_desk_number == SYNTHETIC_DUTY_DESK:
            raise ValueError("DUTY_DESK_NUMBER is missing")
        return self

    @model_validator(mode="after")
    def _a_token_for_whatsapp(self) -> Self:
        if self.production and self.whatsapp_url and not self.whatsapp_token.get_secret_value():
            raise ValueError("WHATSAPP_TOKEN is missing")
        return self

    @property
    def production(self) -> bool:
        """Whether addresses of real people may be written to."""
        return self.process.environment == "production"

    def receipts_secrets(self) -> list[bytes]:
        """Several are valid while one is replaced by another. Raises ValueError for one that is none."""
        return read_secrets(self.receipts_secret_file.read_text()) if self.receipts_secret_file else []

    def whatsapp_secrets(self) -> list[bytes]:
        """What WhatsApp may sign with; none: nothing of it is accepted."""
        return [one.encode() for one in self.whatsapp_app_secret.get_secret_value().split()]

    def service_token(self) -> str:
        """What this service shows to the vault: the file's text, or its own entry in a JSON object."""
        if self.service_token_file is None:
            return ""
        text = self.service_token_file.read_text().strip()
        return str(json.loads(text)["notifications"]) if text.startswith("{") else text
