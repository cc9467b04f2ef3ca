"""`python -m bareface` is the command `bareface`."""

from bareface.cli import main

if __name__ == "__main__":
    main()
