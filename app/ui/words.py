"""The words the panes share: whose mask is shown, lengths, volumes, times. Plain functions, no widgets."""

from __future__ import annotations

import math
from dataclasses import dataclass

from app.core.look import Look
from app.core.session import Session
from app.core.tools.proposal import Proposal
from app.ui import theme
from model.attention import AttentionMap


@dataclass(frozen=True)
class Badge:
    """Whose mask is shown: a few words, fewer for a small view, and a colour."""

    text: str
    short: str
    colour: str


def mask_badge(session: Session, look: Look) -> Badge:
    """Whose mask the views show, so that a model's mask is never taken for a reader's."""
    changed = session.changed_since_base
    kind = session.base.kind
    if look.bare:
        return Badge("Bare scan", "Bare scan", theme.QUIET)
    if not look.mask_visible:
        return Badge("Mask hidden", "Mask hidden", theme.WARNING)
    if kind == "version":
        name = f"Version {_version_number(session.base.reference)}"
        if changed:
            return Badge(f"{name} + your changes, not saved", "Edited, not saved", theme.WARNING)
        return Badge(name, name, theme.GOOD)
    if changed:
        whose = "Model's mask + your changes" if kind == "prediction" else "Your mask"
        return Badge(f"{whose}, not saved", "Edited, not saved", theme.WARNING)
    if kind == "prediction":
        provenance = session.prediction.provenance if session.prediction else None
        name = f": {provenance.bundle_name}" if provenance else ""
        return Badge(f"Model's mask{name}", "Model's mask", theme.ACCENT)
    return Badge("No mask yet", "No mask yet", theme.QUIET)


def shown_attention(session: Session | None, look: Look) -> AttentionMap | None:
    """The map the reader chose to lay over the scan, or None."""
    if session is None or session.prediction is None or look.attention_key is None:
        return None
    for found in session.prediction.attention:
        if (found.level, found.gate) == look.attention_key:
            return found
    return None


def preview(session: Session, proposal: Proposal) -> str:
    """A proposed change in words: "Fill between slices on core: adds 1.20 mL, removes 0.31 mL"."""
    parts = [
        f"{verb} {millilitres(voxels * session.grid.voxel_mm3 / 1000)}"
        for verb, voxels in (("adds", proposal.voxels_added), ("removes", proposal.voxels_removed))
        if voxels
    ]
    return f"{proposal.name[:1].upper()}{proposal.name[1:]}: {', '.join(parts) or 'changes other labels'}"


def level_name(shown: AttentionMap) -> str:
    """A map's level in a word or two; its gate only where the level has several."""
    return f"Level {shown.level}" + (f", gate {shown.gate}" if shown.gate > 1 else "")


def length(mm: float) -> str:
    """A length: "5 mm", "2 cm"."""
    if mm >= 10 and mm % 10 == 0:
        return f"{mm / 10:g} cm"
    return f"{mm:g} mm"


def scale_length_mm(longest_mm: float) -> float:
    """The largest of 1, 2, 5 × 10ⁿ mm that is not longer than `longest_mm`."""
    power = 10.0 ** math.floor(math.log10(max(longest_mm, 1e-3)))
    return next(step * power for step in (5.0, 2.0, 1.0) if step * power <= longest_mm * 1.0001)


def millilitres(ml: float) -> str:
    """A volume with as many digits as a reader needs."""
    if ml == 0:
        return "–"
    return f"{ml:.2f} mL" if ml < 10 else f"{ml:.1f} mL" if ml < 100 else f"{ml:,.0f} mL"


def duration(seconds: float) -> str:
    """About how long: "3 s", "2 min 10 s"."""
    whole = max(1, round(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest:02d} s" if minutes < 10 else f"{minutes} min"


def count(number: int, one: str, many: str | None = None) -> str:
    """A number with its noun: "1 stroke", "12 strokes"."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def _version_number(reference: str) -> str:
    digits = "".join(letter for letter in reference if letter.isdigit())
    return str(int(digits)) if digits else reference
