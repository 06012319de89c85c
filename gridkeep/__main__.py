"""`python -m gridkeep` is the command `gridkeep`."""

from gridkeep.cli import main

if __name__ == "__main__":
    main()
