"""The few words that our own files carry in a free text field: "GateLens; CT; synthetic phantom"."""

from __future__ import annotations

from model.volume import DisplayHints

_PROGRAM = "GateLens"
SYNTHETIC = "synthetic phantom"


def description(hints: DisplayHints) -> str:
    """The text for a header: at most 79 bytes of ASCII, with modality and whether the scan is generated."""
    modality = (hints.modality or "").encode("ascii", "ignore").decode()[:16].replace(";", " ").strip()
    return "; ".join(part for part in (_PROGRAM, modality, SYNTHETIC if hints.synthetic else "") if part)


def hints_from(text: str) -> DisplayHints:
    """What a description of ours says; nothing is concluded from another program's text."""
    parts = [part.strip() for part in text.split(";")]
    if parts[0] != _PROGRAM:
        return DisplayHints()
    modalities = [part for part in parts[1:] if part and part != SYNTHETIC]
    return DisplayHints(modality=modalities[0] if modalities else None, synthetic=SYNTHETIC in parts)
