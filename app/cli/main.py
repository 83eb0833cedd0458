"""The top of the command line: all verbs, and the boundary that turns errors into one sentence and an exit code."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence

import typer

from app import __version__
from app.cli import bench, judging, learning, models, scans, windows, workspaces
from app.controllers.editing_bench import MeasureRepaint
from app.controllers.starting import OpenWindow
from model.errors import Cancelled, GateLensError

_log = logging.getLogger(__name__)

RESEARCH_ONLY = "Research use only, not for diagnosis."

DONE, FAILED, USAGE, CANCELLED = 0, 1, 2, 130


def build(measure_repaint: MeasureRepaint | None = None) -> typer.Typer:
    """The `gatelens` command with every verb that works today; `measure_repaint` is for `bench edit`."""
    cli = typer.Typer(
        name="gatelens",
        help=f"Review and correct what a 3-D Attention U-Net predicts, and see where it looks. {RESEARCH_ONLY}",
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    windows.register(cli)
    scans.register(cli)
    learning.register(cli)
    judging.register(cli)
    cli.add_typer(workspaces.build(), name="workspace")
    cli.add_typer(models.build(), name="models")
    cli.add_typer(bench.build(measure_repaint), name="bench")
    return cli


def main(
    arguments: Sequence[str], open_window: OpenWindow, measure_repaint: MeasureRepaint | None = None
) -> int:
    """Run one command; gives the exit code: 0 done, 1 one sentence on stderr, 2 usage, 130 cancelled."""
    try:
        code = typer.main.get_command(build(measure_repaint))(
            args=list(arguments), prog_name="gatelens", standalone_mode=False, obj=open_window
        )
        return code if isinstance(code, int) else DONE
    except typer.Exit as exit_:
        return exit_.exit_code
    except typer.TyperException as error:
        sys.stderr.write(f"{error}\nTry 'gatelens --help'.\n")
        return USAGE
    except (Cancelled, KeyboardInterrupt, typer.Abort):
        print("Cancelled; nothing is half-written.", file=sys.stderr)
        return CANCELLED
    except GateLensError as error:
        print(str(error), file=sys.stderr)
        return FAILED
    except OSError as error:
        if error.filename is None:
            return _failed_inside(arguments, error)
        _log.info("gatelens %s failed", " ".join(arguments[:2]), exc_info=True)
        print(
            f"{error.filename} cannot be used ({error.strerror}); check the path, its permissions and the free space.",
            file=sys.stderr,
        )
        return FAILED
    except Exception as error:  # noqa: BLE001 - the command line is one of the three boundaries
        return _failed_inside(arguments, error)


def _failed_inside(arguments: Sequence[str], error: Exception) -> int:
    """A bug: the sentence says so, the log has the trace."""
    _log.exception("gatelens %s failed", " ".join(arguments[:2]))
    print(
        f"GateLens {__version__} failed inside ({type(error).__name__}: {error}); the log file has the trace.",
        file=sys.stderr,
    )
    return FAILED
