"""Who and what stands on two sides at once."""
