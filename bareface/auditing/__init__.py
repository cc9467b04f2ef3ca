"""The orchestrator: the only room where truth meets scores."""
