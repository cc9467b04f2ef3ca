"""What things cost, as ratios from runs that take turns."""
