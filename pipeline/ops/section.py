"""What every section of `siaga.yaml` is made of: the strict base model and the types that several of them use."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(ge=0, le=1)]
"""A score or a share, 0..1."""
Seconds = Annotated[float, Field(gt=0)]
"""A duration in seconds, above zero."""
Kind = Literal["fire", "smoke", "flood", "brawl"]
"""What an incident is about."""


class Section(BaseModel):
    """Base of every section: unknown keys are errors, values do not change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)
