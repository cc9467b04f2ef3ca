"""Slices of images as units of work: which are done, who does the others, what becomes of one that nobody can do."""
