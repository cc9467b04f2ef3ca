"""One hypothesis profile for every test, however busy the machine is.

How long an example took says nothing about the software, so there is no deadline and no check of speed. Examples may
share a function's `tmp_path`: each writes its own file over the last one's.
"""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "bareface",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("bareface")
