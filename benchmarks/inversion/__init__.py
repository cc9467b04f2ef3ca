"""Stage 2: what each objective reconstructs."""
