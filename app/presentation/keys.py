"""API keys as they are shown."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from app.presentation.common import Model


class KeyIn(Model):
    name: str = Field(
        min_length=1, max_length=100, pattern=r"^[^\x00]*$", examples=["core banking"]
    )
    role: Literal["feeds", "read", "metrics", "admin"]


class KeyOut(Model):
    id: str
    name: str
    role: Literal["feeds", "read", "metrics", "admin"]
    created_at: datetime
    revoked_at: datetime | None


class NewKeyOut(KeyOut):
    key: str = Field(description="Shown this once; it is kept as a hash only.")


class KeysOut(Model):
    items: list[KeyOut]
