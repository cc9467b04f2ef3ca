"""Stage 2: from a finished audit, a generator and judges to the record of an inversion."""
