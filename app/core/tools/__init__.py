"""The table of tools: what each is called, how it is used, what can be set on it, and what it is for.

Forms, menus, the sheet of keys, the documents and the tests come from it. Each tool's work is in a file of its own;
none knows a mouse or a screen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from app.core.tools.parameters import Choice, Number, Options, Parameter, Switch


class Gesture(StrEnum):
    """How a tool is used."""

    NONE = "none"
    """It changes no mask."""
    STROKE = "stroke"
    """Drawn along a path: press, move, release."""
    OUTLINE = "outline"
    """A closed line is drawn in a slice."""
    POLYGON = "polygon"
    """The corners of a closed line are set in a slice, one by one."""
    POINT = "point"
    """Press at a place; dragging changes a number, release accepts."""
    BOX = "box"
    """A box of voxels is drawn."""
    COMMAND = "command"
    """Chosen, and done."""


@dataclass(frozen=True)
class Tool:
    """A tool.

    Attributes:
        name: what code and settings call it.
        text: what the reader sees.
        gesture: how it is used.
        parameters: what can be set on it.
        help: a sentence for the reader.
        key: the key that chooses it, or empty.
        preview: True where it shows what it would do first, and changes the mask once that is accepted.
    """

    name: str
    text: str
    gesture: Gesture
    parameters: tuple[Parameter, ...] = ()
    help: str = ""
    key: str = ""
    preview: bool = False

    @property
    def options(self) -> Options:
        """Its options as they are before anybody changes them."""
        return Options.of(self.parameters)


RADIUS = Number(
    "radius_mm", "Radius", "mm", 0.1, 200.0, 5.0, 0.5, help="Of the disc or the ball that is drawn with."
)
BALL = Switch("ball", "Ball", False, "A ball in millimetres that paints the slices beside too, not a disc.")
PROTECT = Switch("protect", "Protect other labels", True, "Other labels are neither overwritten nor erased.")
SHARED = (RADIUS, BALL, PROTECT)
"""Parameters with one value for all tools that have them."""

_LOW = Number("low", "From", "", -100_000, 100_000, -29, 1, 0, "The least intensity that is painted.")
_HIGH = Number("high", "To", "", -100_000, 100_000, 150, 1, 0, "The greatest intensity that is painted.")
_INVERSE = Switch("inverse", "Outside the range", False, "Paints what lies outside the range instead.")
_WHICH = Choice(
    "labels",
    "Labels",
    (("all", "All labels"), ("active", "The active label")),
    "all",
    "Whether every label is taken or the active one alone.",
)
_OUTLINE = (
    Choice(
        "action",
        "Inside the line",
        (("add", "Add"), ("subtract", "Remove")),
        "add",
        "Whether what the line encloses becomes the active label or loses it.",
    ),
    Switch("through_all", "Through all slices", False, "Cuts through every slice of the view."),
    PROTECT,
)
_SMOOTH_MM = Number(
    "smooth_mm", "Size", "mm", 0.1, 20.0, 3.0, 0.5, help="Radius of the ball it is smoothed with."
)
_IN_SLICE = Switch("in_slice", "Slice by slice", False, "Each slice of the view on its own, not the volume.")

_ALL = (
    Tool("crosshair", "Crosshair", Gesture.NONE, (), "Lets the three planes meet at a place.", "V"),
    Tool("brush", "Brush", Gesture.STROKE, SHARED, "Paints the active label.", "B"),
    Tool("erase", "Erase", Gesture.STROKE, SHARED, "Takes the active label away.", "E"),
    Tool(
        "threshold-brush",
        "Threshold brush",
        Gesture.STROKE,
        (*SHARED, _LOW, _HIGH, _INVERSE),
        "Paints the active label where the intensity lies in a range.",
        "T",
    ),
    Tool(
        "take-prediction",
        "Take prediction",
        Gesture.STROKE,
        (*SHARED, _WHICH),
        "Brings the prediction's labels back under the brush: adds what it has and removes what it has not.",
        "P",
    ),
    Tool(
        "smooth-brush",
        "Smooth brush",
        Gesture.STROKE,
        (*SHARED, _SMOOTH_MM),
        "Evens out the active label under the brush; go over it again for more.",
        "S",
    ),
    Tool("lasso", "Lasso", Gesture.OUTLINE, _OUTLINE, "Adds or removes what a closed line encloses.", "L"),
    Tool(
        "polygon",
        "Polygon",
        Gesture.POLYGON,
        _OUTLINE,
        "Adds or removes what a line from corner to corner encloses.",
        "Shift+L",
    ),
    Tool(
        "grow",
        "Grow",
        Gesture.POINT,
        (
            Number(
                "tolerance",
                "Tolerance",
                "",
                0.0,
                100_000,
                0.0,
                1,
                1,
                "How far an intensity may lie from the clicked one's; 0 measures it round the click.",
            ),
            Number(
                "limit_mm", "Within", "mm", 1.0, 1000.0, 50.0, 1.0, 0, "How far from the click it may reach."
            ),
            Switch("in_slice", "In the slice only", False, "Stays in the slice that was clicked."),
            PROTECT,
        ),
        "Adds the connected voxels of similar intensity round a click; drag up or down for the tolerance.",
        "G",
        preview=True,
    ),
    Tool(
        "island",
        "Island",
        Gesture.POINT,
        (
            Choice(
                "action",
                "The clicked one",
                (("delete", "Delete"), ("keep", "Keep alone"), ("take", "Relabel")),
                "delete",
                "Whether the clicked island of the active label goes, the others go, or another label's becomes it.",
            ),
        ),
        "Deletes the clicked island of the active label, or all others; or gives one of another label this label.",
        "I",
    ),
    Tool("region", "Region box", Gesture.BOX, (), "Limits a prediction to a box.", "R"),
    Tool(
        "probability",
        "Probability threshold",
        Gesture.COMMAND,
        (
            Number(
                "threshold",
                "At least",
                "%",
                1.0,
                99.0,
                50.0,
                1.0,
                0,
                "The least probability that is labelled.",
            ),
            PROTECT,
        ),
        "Cuts the active label anew from the model's probabilities, within the region box.",
        preview=True,
    ),
    Tool(
        "fill-between",
        "Fill between slices",
        Gesture.COMMAND,
        (PROTECT,),
        "Fills the slices between those that are labelled, in the plane of the view.",
        preview=True,
    ),
    Tool("fill-holes", "Fill holes", Gesture.COMMAND, (_IN_SLICE, PROTECT), "Fills what the label encloses."),
    Tool(
        "smooth",
        "Smooth",
        Gesture.COMMAND,
        (
            Choice(
                "method",
                "Method",
                (("median", "Median"), ("opening", "Opening"), ("closing", "Closing")),
                "median",
                "Median evens out; opening removes thin parts; closing fills clefts.",
            ),
            _SMOOTH_MM,
            PROTECT,
        ),
        "Takes the roughness off the whole label.",
    ),
    Tool(
        "islands",
        "Remove islands",
        Gesture.COMMAND,
        (
            Choice(
                "keep",
                "Keep",
                (("largest", "The largest"), ("size", "All of a size")),
                "largest",
                "The largest island alone, or all that are not smaller than a size.",
            ),
            Number("least_ml", "At least", "mL", 0.01, 1000.0, 1.0, 0.1, 2, "Smaller islands go."),
        ),
        "Removes the small parts of the label that hang apart.",
    ),
    Tool(
        "margin",
        "Margin",
        Gesture.COMMAND,
        (
            Number("mm", "Grow by", "mm", -30.0, 30.0, 3.0, 0.5, help="Negative: shrink."),
            PROTECT,
        ),
        "Grows the label by a distance, or shrinks it.",
    ),
    Tool(
        "take-slice",
        "Take prediction of the slice",
        Gesture.COMMAND,
        (_WHICH, PROTECT),
        "Brings the prediction's labels back in the slice of the view.",
    ),
    Tool(
        "take-label",
        "Take prediction of the label",
        Gesture.COMMAND,
        (PROTECT,),
        "Brings the prediction's active label back, everywhere.",
    ),
    Tool("clear-label", "Clear label", Gesture.COMMAND, (), "Takes the active label away everywhere."),
)

TOOLS: Mapping[str, Tool] = MappingProxyType({tool.name: tool for tool in _ALL})
