"""The bench of defences: what each costs in recognition, and what an attacker who knows it still finds."""
