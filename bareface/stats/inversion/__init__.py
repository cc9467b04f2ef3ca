"""What a reconstruction gives away: measured against decoys, un-optimised samples and a placebo."""
