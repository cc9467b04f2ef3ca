"""`python -m benchmarks.inversion`: see `benchmarks.inversion.objectives`."""

from benchmarks.inversion.objectives import main

if __name__ == "__main__":
    main()
