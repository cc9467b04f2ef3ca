"""Faces as a mean and a few directions: fitted in seconds, and the person lies apart from the photo."""
