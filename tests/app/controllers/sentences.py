"""What a reader may be told when something fails; not a test itself."""

from __future__ import annotations

import re
from collections.abc import Iterable

from app.core.messages import Message

_NOT_FOR_READERS = re.compile(r"inside the program|Traceback|Errno|Error\b|sqlite3|\n|None|/cases/")


def unclear(messages: Iterable[Message]) -> list[str]:
    """Those of the messages that are no sentence, or that speak to a programmer."""
    return [
        message.text
        for message in messages
        if not re.match(r"^\S.{10,300}\.$", message.text) or _NOT_FOR_READERS.search(message.text)
    ]
