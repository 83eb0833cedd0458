"""The one table of verbs and keys: menu, toolbar, palette, keys sheet and tests are all derived from it.

A row names what the reader can do, its key, its icon, the condition that enables it and what it calls. Mouse
gestures that have no verb of their own stand beside it, so that the keys sheet says everything. This module makes
no widget.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, Protocol

from app.controllers import Controllers
from app.controllers.conditions import Condition
from app.core.tools import TOOLS
from app.core.tools import Gesture as Use


class Group(StrEnum):
    """The menus, in their order; also the headings of the keys sheet."""

    FILE = "File"
    CASE = "Case"
    EDIT = "Edit"
    TOOLS = "Tools"
    MASK = "Mask"
    VIEW = "View"
    ATTENTION = "Overlays"
    HELP = "Help"


LabelField = Literal["name", "term"]
"""Where the keyboard is when a label is asked about."""


class WindowVerbs(Protocol):
    """What only the window can do: ask, show, arrange."""

    def ask_scan(self) -> None: ...
    def ask_folder(self) -> None: ...
    def ask_workspace(self) -> None: ...
    def ask_reader(self) -> None: ...
    def save_elsewhere(self) -> None: ...
    def accept(self) -> None: ...
    def undo(self) -> None: ...
    def redo(self) -> None: ...
    def next_attention(self) -> None: ...
    def attention_off(self) -> None: ...
    def cancel(self) -> None: ...
    def scroll_slices(self, steps: int) -> None: ...
    def change_radius(self, steps: int) -> None: ...
    def choose_label(self, number: int) -> None: ...
    def choose_tool(self, tool: str) -> None: ...
    def show_command(self, tool: str) -> None: ...
    def drop_preview(self) -> None: ...
    def add_label(self, value: int | None = None) -> None: ...
    def edit_label(self, value: int | None = None, field: LabelField = "name") -> None: ...
    def ask_label_colour(self, value: int) -> None: ...
    def toggle_lock(self) -> None: ...
    def toggle_hidden(self) -> None: ...
    def next_layout(self) -> None: ...
    def fit_views(self) -> None: ...
    def toggle_full_screen(self) -> None: ...
    def toggle_worklist(self) -> None: ...
    def search_cases(self) -> None: ...
    def show_palette(self) -> None: ...
    def show_keys(self) -> None: ...
    def show_about(self) -> None: ...
    def quit(self) -> None: ...


@dataclass(frozen=True)
class Verbs:
    """What an action may call."""

    controllers: Controllers
    window: WindowVerbs


Call = Callable[[Verbs], object]


@dataclass(frozen=True)
class Action:
    """One row of the table.

    Attributes:
        id: a stable name, `group.verb`.
        text: what menus and the palette show.
        key: the key in Qt's portable spelling; empty where there is none.
        icon: the name of a shipped icon; empty where there is none.
        condition: enabled only while this holds; None for always.
        call: what it does.
        group: the menu it stands in.
        more_keys: further keys for the same verb.
        toolbar: the toolbar block it stands in (1 is leftmost); 0 for none.
        checked: for verbs that show a state: whether it is on.
        on_release: for keys that are held: what happens when the key is let go.
        series: rows that differ in a number only share a line in the keys sheet and a submenu of this name.
    """

    id: str
    text: str
    key: str
    icon: str
    condition: Condition | None
    call: Call
    group: Group
    more_keys: tuple[str, ...] = ()
    toolbar: int = 0
    checked: Callable[[Verbs], bool] | None = None
    on_release: Call | None = None
    series: str = ""

    @property
    def keys(self) -> tuple[str, ...]:
        """All keys of the row."""
        return ((self.key,) if self.key else ()) + self.more_keys


@dataclass(frozen=True)
class Gesture:
    """A mouse gesture in a view and what it does."""

    gesture: str
    text: str


GESTURES: tuple[Gesture, ...] = (
    Gesture("Left drag", "The active tool"),
    Gesture("Ctrl + click", "Take the label there; threshold brush: its range"),
    Gesture("Grow: drag up, down", "More, less tolerance"),
    Gesture("Polygon: click", "A corner; on the first one: close it"),
    Gesture("Polygon: double click, Enter", "Close it; Backspace: one corner back"),
    Gesture("Wheel", "Slice by slice"),
    Gesture("Ctrl + wheel", "Zoom at the pointer"),
    Gesture("Shift + wheel", "Brush radius"),
    Gesture("Middle drag", "Pan"),
    Gesture("Right drag", "Window: width across, level up and down"),
    Gesture("Double click", "One pane large, and back (while painting: on the pane's title)"),
)


_TOOL_ICONS = {
    "crosshair": "crosshair", "brush": "brush", "erase": "eraser", "threshold-brush": "contrast",
    "take-prediction": "stamp", "smooth-brush": "waves", "lasso": "lasso", "polygon": "pentagon", "grow": "droplet",
    "island": "box", "region": "square-dashed",
}  # fmt: skip


def _tool(name: str) -> Action:
    """A tool for the left button, as the table of tools has it."""
    tool = TOOLS[name]
    condition = Condition.HAS_CASE if tool.gesture in (Use.NONE, Use.BOX) else Condition.CAN_EDIT
    return Action(
        f"tool.{name}", tool.text, tool.key, _TOOL_ICONS[name], condition,
        lambda v: v.window.choose_tool(name), Group.TOOLS, toolbar=3,
        checked=lambda v: v.controllers.editing.tool == name,
    )  # fmt: skip


def _command(name: str) -> Action:
    """A command shows its form in the tool pane, where it is run."""
    icon = "stamp" if name.startswith("take-") else ""
    return Action(
        f"mask.{name}", f"{TOOLS[name].text}…", TOOLS[name].key, icon, Condition.CAN_EDIT,
        lambda v: v.window.show_command(name), Group.MASK,
    )  # fmt: skip


def _preset(number: int) -> Action:
    return Action(
        f"view.preset{number}", f"Window preset {number}", str(number), "", Condition.HAS_CASE,
        lambda v: v.controllers.looking.window_preset(number), Group.VIEW, series="Window presets",
    )  # fmt: skip


def _label(number: int) -> Action:
    return Action(
        f"tool.label{number}", f"Paint with label {number}", f"Alt+{number}", "", Condition.CAN_EDIT,
        lambda v: v.window.choose_label(number), Group.TOOLS, series="Active label",
    )  # fmt: skip


def _slice(name: str, text: str, key: str, steps: int) -> Action:
    return Action(
        f"view.{name}", text, key, "", Condition.HAS_CASE, lambda v: v.window.scroll_slices(steps), Group.VIEW,
        series="Slices",
    )  # fmt: skip


C = Condition
G = Group

ACTIONS: tuple[Action, ...] = (
    # -- files ---------------------------------------------------------------------------------------------
    Action("file.open_scan", "Open scan…", "Ctrl+O", "file", None, lambda v: v.window.ask_scan(), G.FILE, toolbar=1),
    Action("file.open_folder", "Open DICOM folder…", "", "folder", None, lambda v: v.window.ask_folder(), G.FILE),
    Action("file.open_workspace", "Open workspace…", "", "folder-open", None, lambda v: v.window.ask_workspace(),
           G.FILE, toolbar=1),
    Action("file.save_elsewhere", "Save the mask elsewhere…", "Ctrl+Shift+S", "save", C.HAS_CASE,
           lambda v: v.window.save_elsewhere(), G.FILE),
    Action("file.reader", "Reader's name…", "", "user", None, lambda v: v.window.ask_reader(), G.FILE),
    Action("file.quit", "Quit", "Ctrl+Q", "", None, lambda v: v.window.quit(), G.FILE),
    # -- the case ------------------------------------------------------------------------------------------
    Action("case.predict", "Predict", "F5", "wand-sparkles", C.CAN_PREDICT,
           lambda v: v.controllers.predicting.predict(), G.CASE, toolbar=4),
    Action("case.predict_here", "Re-predict in the box, as a preview", "Shift+F5", "wand-sparkles", C.CAN_PREDICT_HERE,
           lambda v: v.controllers.repredicting.repredict(), G.CASE),
    Action("case.cancel", "Cancel the job, the stroke or the preview", "Esc", "circle-stop", None,
           lambda v: v.window.cancel(), G.CASE),
    Action("case.accept", "Accept and next", "Ctrl+Return", "check", C.CAN_ACCEPT, lambda v: v.window.accept(),
           G.CASE, more_keys=("Ctrl+Enter",)),
    Action("case.reject", "Reject", "Ctrl+Backspace", "x", C.HAS_CASE,
           lambda v: v.controllers.reviewing.reject(), G.CASE),
    Action("case.later", "Later", "Ctrl+L", "clock", C.HAS_CASE, lambda v: v.controllers.reviewing.later(), G.CASE),
    Action("case.flag", "Flag", "Ctrl+F", "flag", C.HAS_CASE, lambda v: v.controllers.reviewing.flag(), G.CASE),
    Action("case.next", "Next case to read", "N", "chevron-right", C.HAS_NEXT,
           lambda v: v.controllers.opening.next_case(), G.CASE),
    Action("case.previous", "Previous case to read", "Shift+N", "chevron-left", C.HAS_PREVIOUS,
           lambda v: v.controllers.opening.previous_case(), G.CASE),
    Action("case.search", "Search the worklist", "", "search", C.HAS_WORKSPACE, lambda v: v.window.search_cases(),
           G.CASE),
    # -- editing -------------------------------------------------------------------------------------------
    Action("edit.undo", "Undo", "Ctrl+Z", "undo-2", C.CAN_UNDO, lambda v: v.window.undo(), G.EDIT,
           toolbar=2),
    Action("edit.redo", "Redo", "Ctrl+Shift+Z", "redo-2", C.CAN_REDO, lambda v: v.window.redo(),
           G.EDIT, toolbar=2),
    Action("edit.take_prediction", "Start again from the model's mask", "", "refresh-cw", C.HAS_PREDICTION,
           lambda v: v.controllers.editing.take_prediction_as_mask(), G.EDIT),
    Action("edit.clear_region", "Remove the region box", "", "square-dashed", C.HAS_REGION,
           lambda v: v.controllers.editing.set_region(None), G.EDIT),
    # -- tools ---------------------------------------------------------------------------------------------
    *(_tool(tool.name) for tool in TOOLS.values() if tool.gesture is not Use.COMMAND),
    Action("tool.smaller", "Smaller brush", "[", "", C.HAS_CASE, lambda v: v.window.change_radius(-1), G.TOOLS),
    Action("tool.larger", "Larger brush", "]", "", C.HAS_CASE, lambda v: v.window.change_radius(1), G.TOOLS),
    *(_label(number) for number in range(1, 10)),
    # -- the mask ------------------------------------------------------------------------------------------
    Action("mask.accept_preview", "Accept the preview", "Enter", "check", C.HAS_PREVIEW,
           lambda v: v.controllers.editing.accept_preview(), G.MASK, more_keys=("Return",)),
    Action("mask.drop_preview", "Drop the preview", "", "x", C.HAS_PREVIEW, lambda v: v.window.drop_preview(), G.MASK),
    *(_command(tool.name) for tool in TOOLS.values() if tool.gesture is Use.COMMAND),
    Action("label.add", "Add label…", "Ctrl+N", "plus", C.CAN_EDIT, lambda v: v.window.add_label(), G.MASK),
    Action("label.edit", "Name, colour and term of the active label…", "", "tag", C.CAN_EDIT,
           lambda v: v.window.edit_label(), G.MASK),
    Action("mask.lock", "Lock or unlock the active label", "", "lock", C.HAS_CASE, lambda v: v.window.toggle_lock(),
           G.MASK),
    Action("mask.hide", "Hide or show the active label", "", "eye-off", C.HAS_CASE,
           lambda v: v.window.toggle_hidden(), G.MASK),
    # -- the views -----------------------------------------------------------------------------------------
    _slice("slice_up", "Next slice", "Up", 1),
    _slice("slice_down", "Previous slice", "Down", -1),
    _slice("slices_up", "Ten slices on", "PgUp", 10),
    _slice("slices_down", "Ten slices back", "PgDown", -10),
    *(_preset(number) for number in range(1, 10)),
    Action("view.automatic", "Automatic window", "0", "contrast", C.HAS_CASE,
           lambda v: v.controllers.looking.automatic_window(), G.VIEW),
    Action("view.fit", "Fit the slices to their panes", "", "maximize", C.HAS_CASE, lambda v: v.window.fit_views(),
           G.VIEW),
    Action("view.layout", "Next layout", "F2", "grid-2x2", None, lambda v: v.window.next_layout(), G.VIEW, toolbar=6),
    Action("view.worklist", "Show or hide the worklist", "", "list", None, lambda v: v.window.toggle_worklist(),
           G.VIEW),
    Action("view.full_screen", "Full screen", "F11", "", None, lambda v: v.window.toggle_full_screen(), G.VIEW),
    # -- mask and attention --------------------------------------------------------------------------------
    Action("attention.bare", "Bare scan while held", "X", "", C.HAS_CASE,
           lambda v: v.controllers.looking.set_bare(True), G.ATTENTION,
           on_release=lambda v: v.controllers.looking.set_bare(False)),
    Action("attention.mask", "Mask on or off", "O", "eye", C.HAS_CASE, lambda v: v.controllers.looking.toggle_mask(),
           G.ATTENTION, toolbar=5, checked=lambda v: v.controllers.desk.look.mask_visible),
    Action("attention.next", "Next attention level", "A", "layers", C.HAS_ATTENTION,
           lambda v: v.window.next_attention(), G.ATTENTION, toolbar=5,
           checked=lambda v: v.controllers.desk.look.attention_key is not None),
    Action("attention.off", "Attention off", "Shift+A", "eye-off", C.HAS_ATTENTION,
           lambda v: v.window.attention_off(), G.ATTENTION),
    # -- help ----------------------------------------------------------------------------------------------
    Action("help.palette", "Find a command…", "Ctrl+K", "search", None, lambda v: v.window.show_palette(), G.HELP),
    Action("help.keys", "Keys and mouse", "F1", "keyboard", None, lambda v: v.window.show_keys(), G.HELP, toolbar=6),
    Action("help.about", "About GateLens: research use only", "", "info", None, lambda v: v.window.show_about(),
           G.HELP),
)  # fmt: skip


def action(action_id: str) -> Action:
    """The row with this id; KeyError where there is none."""
    return _BY_ID[action_id]


def is_bare(key: str) -> bool:
    """Whether a key is typed text (a letter, a digit, a bracket; Shift alone does not change that)."""
    return len(key.removeprefix("Shift+")) == 1


_BY_ID = {row.id: row for row in ACTIONS}
