"""Who is on which image in which role, and how that came about."""
