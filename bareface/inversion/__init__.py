"""From a trained backbone back to faces: generators, their checkpoints and their training."""
