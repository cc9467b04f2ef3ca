"""Stage 1: what attacks find, on real and on rendered people, and what defences change."""
