"""Starts the program: `gatelens` and `python -m app`."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command line with this process's arguments; gives the exit code."""
    from app.composition import run

    return run(sys.argv[1:])


if __name__ == "__main__":
    raise SystemExit(main())
