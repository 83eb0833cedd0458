"""Starts the program: `gatelens` and `python -m app`."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command line with this process's arguments; gives the exit code."""
    try:
        from app.composition import run

        return run(sys.argv[1:])
    except KeyboardInterrupt:
        # Before or after a verb: within one, Ctrl+C is asked for at its next check.
        sys.stderr.write("Cancelled; nothing is half-written.\n")
        return 130


if __name__ == "__main__":
    raise SystemExit(main())
