"""What a checkpoint tells: its network, its training and its past, and whether it is fed as in training."""
