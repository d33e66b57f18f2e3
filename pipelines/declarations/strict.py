"""What every declaration has in common: a key that nobody knows is a typing error, and refused."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Strict(BaseModel):
    """A declaration with a key nobody knows is a typing error, and refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)
