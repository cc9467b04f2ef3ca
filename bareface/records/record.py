"""What every record that leaves the house is made of."""

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    """Strict, frozen, closed: an unknown or mistyped field is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)
