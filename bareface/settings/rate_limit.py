"""How fast and how patiently an address is asked."""

from typing import Annotated

from pydantic import Field

from bareface.settings.closed import closed


@closed
class RateLimit:
    """How an address is asked.

    Attributes:
        images: pictures in one request.
        per_second: requests in a second, at most.
        timeout: seconds of one try until the whole answer has to be there, however it comes.
        retries: how often a request is repeated that got no answer.
        first_wait: seconds before the first repetition; each later one waits twice as long.
        total_timeout: seconds from the first try of a request to its end, with repetitions and the waits between them.
    """

    images: Annotated[int, Field(ge=1, le=1024)] = 16
    per_second: Annotated[float, Field(ge=0.01, le=10_000)] = 10.0
    timeout: Annotated[float, Field(gt=0, le=3600)] = 30.0
    retries: Annotated[int, Field(ge=0, le=100)] = 5
    first_wait: Annotated[float, Field(ge=0, le=3600)] = 0.5
    total_timeout: Annotated[float, Field(gt=0, le=86_400)] = 300.0
