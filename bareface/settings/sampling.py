"""How many people an audit asks about, and with how many photos of each."""

from typing import Annotated

from pydantic import Field

from bareface.settings.closed import Closed


class SampleSettings(Closed):
    """At most so many people of each role, at most so many photos of each in that role, drawn by lot; None: all."""

    people: Annotated[int, Field(ge=2)] | None = None
    photos: Annotated[int, Field(ge=1)] | None = None
