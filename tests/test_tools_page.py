"""docs/tools.md against the table of tools: a section, a key, a picture and every option of each, and no others."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from app.core.tools import TOOLS, Tool
from app.core.tools.parameters import Choice, Number, Parameter, Switch


@pytest.fixture(scope="module")
def sections(repository: Path) -> dict[str, str]:
    """Gives the text below each heading of the second level."""
    parts = re.split(r"^## (.+)$", (repository / "docs" / "tools.md").read_text(encoding="utf-8"), flags=re.M)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def heading(tool: Tool) -> str:
    return f"{tool.text} ({tool.key})" if tool.key else tool.text


def option_line(parameter: Parameter) -> str:
    """How the page lists an option."""
    match parameter:
        case Number():
            unit = f" {parameter.unit}" if parameter.unit else ""
            facts = f"{parameter.low:g} to {parameter.high:g}{unit}, at first {parameter.default:g}"
        case Choice():
            names = dict(parameter.options)
            facts = f"{' or '.join(names.values())}, at first {names[parameter.default]}"
        case Switch():
            facts = f"at first {'on' if parameter.default else 'off'}"
    return f"- **{parameter.text}** ({facts}): {parameter.help}"


def test_every_tool_has_a_section_with_its_key_in_the_order_of_the_table(sections: dict[str, str]) -> None:
    titles = [heading(tool) for tool in TOOLS.values()]
    assert [title for title in sections if title in titles] == titles
    others = [title for title in sections if title not in titles]
    assert others == ["What holds of all of them"]


@pytest.mark.parametrize("name", list(TOOLS))
def test_a_section_says_what_the_tool_does_shows_it_and_lists_its_options(
    name: str, sections: dict[str, str], repository: Path
) -> None:
    tool = TOOLS[name]
    text = sections[heading(tool)]
    assert tool.help in text
    assert f"](pictures/tools/{name}.png)" in text
    assert (repository / "docs" / "pictures" / "tools" / f"{name}.png").is_file()
    listed = [line for line in text.splitlines() if line.startswith("- **")]
    assert listed == [option_line(parameter) for parameter in tool.parameters]


def test_no_picture_is_left_over_or_large(repository: Path) -> None:
    pictures = list((repository / "docs" / "pictures" / "tools").iterdir())
    assert {path.name for path in pictures} == {f"{name}.png" for name in TOOLS}
    assert max(path.stat().st_size for path in pictures) <= 60_000
