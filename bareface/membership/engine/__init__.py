"""What attacks are made of: arrays of both kinds, features, attack models and how they are chosen."""
