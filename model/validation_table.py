"""What was measured when a model was made: the table in a bundle's `validation.json`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from model.bundle_fields import read_json


@dataclass(frozen=True)
class ValidationRow:
    """Dice of one label over the validation cases, with how many cases had the label in reference or prediction."""

    label: str
    dice_mean: float
    dice_sd: float
    dice_worst: float
    n: int


@dataclass(frozen=True)
class Validation:
    """`validation.json`: what was measured on scans the training never saw, and the attention maps' spread there."""

    data: str
    rows: tuple[ValidationRow, ...] = ()
    attention_sd: tuple[float, ...] = ()

    def to_json(self) -> dict[str, object]:
        """The table as `validation.json` holds it."""
        return {
            "data": self.data,
            "labels": {
                row.label: {
                    "dice": {"mean": row.dice_mean, "sd": row.dice_sd, "worst": row.dice_worst, "n": row.n},
                }
                for row in self.rows
            },
            "attention_sd": self.attention_sd,
        }


NOT_VALIDATED = Validation(data="")


def read_validation(file: Path) -> Validation:
    """The table of a `validation.json`.

    Raises:
        BundleError: if the file holds anything else.
    """
    fields = read_json(file)
    labels = fields.inside("labels")
    rows = []
    for name in labels.names():
        dice = labels.inside(name).inside("dice")
        summary = (dice.number("mean"), dice.number("sd"), dice.number("worst"), dice.integer("n"))
        rows.append(ValidationRow(name, *summary))
    return Validation(fields.text("data"), tuple(rows), fields.numbers("attention_sd"))
