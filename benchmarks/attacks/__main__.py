"""`python -m benchmarks.attacks`: see `benchmarks.attacks.every_attack`."""

from benchmarks.attacks.every_attack import main

if __name__ == "__main__":
    main()
