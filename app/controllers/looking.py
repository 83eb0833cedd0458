"""Looking: window, slices, crosshair, what is laid over the scan, and the line that says what is under the cursor."""

from __future__ import annotations

from dataclasses import dataclass, replace

from app.controllers.desk import Desk
from app.core.display import Look
from app.core.planes import Plane
from app.core.read_out import position_text
from app.core.windowing import automatic_window, presets_for
from model.grid import Float3


@dataclass(frozen=True)
class ReadOut:
    """What lies under the cursor, and the grey window, in words; empty where there is nothing to say."""

    position: str
    intensity: str
    window: str
    label: str
    attention: str


class LookingController:
    """Changes `desk.look` and the crosshair; nothing here touches the mask."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    # -- grey window -------------------------------------------------------------------------------------
    def set_window(self, level: float, width: float) -> None:
        """Level and width in the scan's own values; the width is kept above zero."""
        self._set(replace(self._desk.look, level=float(level), width=max(float(width), 1e-6)))

    def window_preset(self, number: int) -> None:
        """Preset `number`, counted from 1 as the keys are; beyond the table nothing happens."""
        if self._desk.session is None:
            return
        presets = presets_for(self._desk.session.scan.volume)
        if 1 <= number <= len(presets):
            preset = presets[number - 1]
            self.set_window(preset.level, preset.width)
            self._desk.say(f"{preset.name}: level {preset.level:g}, width {preset.width:g}")

    def automatic_window(self) -> None:
        """The window that the scan's own values ask for."""
        if self._desk.session is not None:
            self.set_window(*automatic_window(self._desk.session.scan.volume))

    # -- place -------------------------------------------------------------------------------------------
    def scroll(self, plane: Plane, steps: int) -> None:
        """Move by slices; positive goes towards higher slice numbers of the view."""
        session = self._desk.session
        if session is None:
            return
        frame = session.frame(plane)
        index, row, column = frame.from_voxel(session.crosshair)
        target = min(frame.count - 1, max(0, round(index) + steps))
        self.move_crosshair(frame.to_voxel(target, row, column))

    def move_crosshair(self, voxel: Float3) -> None:
        """Put the crosshair on a voxel (z, y, x), clipped to the scan."""
        session = self._desk.session
        if session is None:
            return
        session.move_crosshair(voxel)
        self._desk.events.crosshair_changed.emit(session.crosshair)

    # -- overlays ----------------------------------------------------------------------------------------
    def toggle_mask(self) -> None:
        """Show the mask, or hide it."""
        self.set_mask_visible(not self._desk.look.mask_visible)

    def set_mask_visible(self, visible: bool) -> None:
        """Show or hide the mask."""
        self._set(replace(self._desk.look, mask_visible=visible))

    def set_mask_opacity(self, opacity: float) -> None:
        """How much of the scan the mask covers, 0–1."""
        self._set(replace(self._desk.look, mask_opacity=_unit(opacity)))

    def set_outline(self, outline: bool) -> None:
        """Draw a line along the border of each label, or none."""
        self._set(replace(self._desk.look, outline=outline))

    def set_bare(self, bare: bool) -> None:
        """The scan alone, as long as this is on."""
        self._set(replace(self._desk.look, bare=bare))

    def set_attention(self, key: tuple[int, int] | None) -> None:
        """Lay the map of (level, gate) over the scan, or none."""
        self._set(replace(self._desk.look, attention_key=key))

    def next_attention(self) -> None:
        """The next map from coarse to fine, and off after the finest."""
        keys = [
            (m.level, m.gate) for m in sorted(self._desk.attention_maps, key=lambda m: (-m.level, m.gate))
        ]
        if not keys:
            self._desk.say("There is no attention to show before a prediction; press F5.", "warning")
            return
        here = self._desk.look.attention_key
        at = keys.index(here) + 1 if here in keys else 0
        self.set_attention(keys[at] if at < len(keys) else None)

    def attention_off(self) -> None:
        """Lay no attention over the scan."""
        self.set_attention(None)

    def set_attention_opacity(self, opacity: float) -> None:
        """How much of the scan an attention of 1 covers, 0–1."""
        self._set(replace(self._desk.look, attention_opacity=_unit(opacity)))

    # -- the line under the views ------------------------------------------------------------------------
    def read_out(self, voxel: Float3) -> ReadOut | None:
        """What lies at a voxel (z, y, x; fractions allowed); None outside the scan or without one."""
        session, shown = self._desk.session, self._desk.attention
        found = session.read_out(voxel, shown) if session is not None else None
        if session is None or found is None:
            return None
        unit = " HU" if session.scan.volume.hints.modality == "CT" else ""
        attention = ""
        if shown is not None:
            value = "outside its map" if found.attention is None else f"{found.attention:.2f}"
            attention = f"attention {shown.name}: {value}"
        return ReadOut(
            position=position_text(found.position_mm, session.grid.orientation_known),
            intensity=f"{found.value:.5g}{unit}",
            window=f"L {self._desk.look.level:.4g}  W {self._desk.look.width:.4g}",
            label=session.table.name(found.label_value),
            attention=attention,
        )

    def _set(self, look: Look) -> None:
        if look != self._desk.look:
            self._desk.look = look
            self._desk.events.look_changed.emit(look)


def _unit(value: float) -> float:
    return min(1.0, max(0.0, float(value)))
