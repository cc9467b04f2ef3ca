"""Whether verdicts stay right: audits of real faces on checkpoints that never saw them, however people are drawn."""
