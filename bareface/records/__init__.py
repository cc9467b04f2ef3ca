"""Records of runs: strict, closed, written and read whole; every report is derived from them."""
