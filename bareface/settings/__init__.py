"""What can be set, each group once: a closed class with its bounds, the same in files and inside."""
