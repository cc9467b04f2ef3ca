"""Trackers: one file each, the file's name is the tracker's."""
