"""`python -m benchmarks.growth`: see `benchmarks.growth.study`."""

from benchmarks.growth.study import main

if __name__ == "__main__":
    main()
