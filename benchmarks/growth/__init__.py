"""How leakage grows with people, photos, epochs and settings of training."""
