"""Faces on raw photos: where they are, where their eyes, noses and mouths are, and which of them is meant."""
