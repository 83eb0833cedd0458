"""Files that ship with the program: model bundles, icons and fonts, found wherever the package is installed.

Nothing here is code of the program; who made each file and its licence stand in NOTICE.md.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import as_file, files
from pathlib import Path


@lru_cache(maxsize=1)
def _root() -> Path:
    """Gives the folder of this package; a package inside a zip file has none and is refused."""
    with as_file(files(__name__)) as root:
        if not root.is_dir():
            raise FileNotFoundError("GateLens must be installed as files, not run from a zip archive.")
        return root


def resource(*parts: str) -> Path:
    """Gives the path of a shipped file or folder, as in `resource("icons", "brush.svg")`.

    Args:
        parts: names below `resources/`, one a folder level.

    Raises:
        FileNotFoundError: where nothing of that name is shipped; the sentence names it.
    """
    path = _root().joinpath(*parts)
    if not path.exists():
        raise FileNotFoundError(
            f"{'/'.join(parts)} is not among the files that ship with GateLens; install it again."
        )
    return path


def models_folder() -> Path:
    """Gives the folder of the shipped model bundles, one folder each; it may be missing in a bare checkout."""
    return _root() / "models"
