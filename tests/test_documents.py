"""The README against the program: it names what works, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest
import typer


def verbs(command: click.Command, prefix: str = "gatelens") -> set[str]:
    """Gives the full names of every verb below a command, as one types them."""
    inner = getattr(command, "commands", None)
    if inner is None:
        return {prefix}
    return set().union(*(verbs(below, f"{prefix} {name}") for name, below in inner.items()))


@pytest.fixture(scope="module")
def readme(repository: Path) -> str:
    return (repository / "README.md").read_text(encoding="utf-8")


def test_the_readme_lists_the_verbs_that_work_and_no_other(readme: str) -> None:
    from app.cli.main import build

    section = readme.split("## Commands")[1].split("## ")[0]
    block = section.split("```")[1]
    lines = [line for line in block.splitlines() if line.startswith("gatelens ")]
    named = {" ".join(re.match(r"gatelens(?: [a-z]+)*", line)[0].split()) for line in lines}  # type: ignore[index]

    assert named - {"gatelens"} == verbs(typer.main.get_command(build()))


def test_the_readme_names_every_key(readme: str) -> None:
    from app.ui.actions import ACTIONS

    section = readme.split("## Keys and mouse")[1].split("## ")[0]
    ranges = {f"Alt+{n}" for n in range(2, 10)} | {str(n) for n in range(2, 10)}
    unnamed = {
        key
        for action in ACTIONS
        for key in action.keys
        if key not in ranges and not re.search(rf"(?<![\w+]){re.escape(key)}(?![\w+])", section)
    }
    assert unnamed == set()


def test_the_readme_says_what_it_is_not_for(readme: str) -> None:
    assert "Research use only, not for diagnosis" in readme


def test_the_notice_names_everything_that_ships(repository: Path) -> None:
    notice = (repository / "resources" / "NOTICE.md").read_text(encoding="utf-8")
    models = [
        f"models/{path.name}" for path in (repository / "resources" / "models").glob("*") if path.is_dir()
    ]
    fonts = [f"fonts/{path.name}" for path in (repository / "resources" / "fonts").glob("*.?tf")]
    assert [name for name in (*models, *fonts) if name not in notice] == []
    assert len(list((repository / "resources" / "icons").glob("*.svg"))) == int(
        re.search(r"(\d+) files", notice)[1]
    )  # type: ignore[index]
