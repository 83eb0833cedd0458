"""Evaluations as tables for a person to read: units in the first column, mean ± sd, how many counted."""

from __future__ import annotations

from collections.abc import Sequence

from app.controllers.judging import Judgement, SideBySide, Verdict
from model.comparison import PairedDifference
from model.metrics import Summary
from model.scores import MEASURES, Measure, Presence

_NONE = "–"


def verdict_text(verdict: Verdict) -> str:
    """The whole answer of `evaluate`: what was judged, a table per label, then what differs between models."""
    cases = verdict.judged[0].evaluation.cases
    subjects = len({case.subject for case in cases})
    chosen = verdict.selection or f"{_count(len(cases), 'scan')} of {_count(subjects, 'subject')}"
    blocks = [f"Judged on {chosen}. Mean ± sd over scans (scans counted)."]
    models = verdict.judged
    blocks.append(_table([["", *(each.name for each in models)], *_rows(models)]))
    blocks += [_differences(each) for each in verdict.compared]
    return "\n\n".join(blocks)


def _rows(models: Sequence[Judgement]) -> list[list[str]]:
    rows: list[list[str]] = []
    names = list(dict.fromkeys(label.name for each in models for label in each.evaluation.labels))
    for name in names:
        rows.append([name])
        places = [_place(each, name) for each in models]
        for measure in MEASURES:
            cells = [
                _NONE if index is None else _summary(each.evaluation.summary(index, measure), measure)
                for each, index in zip(models, places, strict=True)
            ]
            if any(cell != _NONE for cell in cells):
                rows.append([f"  {measure.title}", *cells])
            if measure.key == "dice":
                rows.append(
                    ["  lowest Dice", *(_lowest(each, i) for each, i in zip(models, places, strict=True))]
                )
        for presence, words in (
            (Presence.MISSED, "missed: no mask, no distance"),
            (Presence.SPURIOUS, "false: no reference, no distance"),
            (Presence.ABSENT, "in neither: not counted"),
        ):
            counts = [
                0 if index is None else each.evaluation.count(index, presence)
                for each, index in zip(models, places, strict=True)
            ]
            if any(counts):
                rows.append([f"  {words}", *(_count(count, "scan") for count in counts)])
    together = [
        [title, *(_plain(summary, decimals) for summary in summaries)]
        for title, decimals, summaries in (
            ("  calibration error (ECE)", 3, [each.evaluation.ece for each in models]),
            ("  entropy–error Spearman ρ", 2, [each.evaluation.entropy_error for each in models]),
        )
        if any(summary.n for summary in summaries)
    ]
    return [*rows, ["all labels together"], *together] if together else rows


def _differences(found: SideBySide) -> str:
    rows = [["per subject", "first", "second", "second − first", "p", "subjects"]]
    notes: list[str] = []
    for each in found.labels:
        rows.append([each.label.name])
        for measure, difference in zip(MEASURES, each.differences, strict=True):
            if difference.subjects:
                rows.append([f"  {measure.title}", *_difference(difference, measure)])
                if difference.p is None and difference.note not in notes:
                    notes.append(difference.note)
    lines = [f"first: {found.first}", f"second: {found.second}", "", _table(rows)]
    lines += ["", "p: Wilcoxon signed-rank, two-sided, not corrected for the number of tests."]
    lines += [f"{_NONE}: {note}." for note in notes]
    return "\n".join(lines)


def _difference(found: PairedDifference, measure: Measure) -> list[str]:
    factor, decimals = measure.factor, measure.decimals
    spread = "" if found.sd != found.sd else f" ± {found.sd * factor:.{decimals}f}"
    p = _NONE if found.p is None else ("< 0.001" if found.p < 0.001 else f"{found.p:.3f}")
    return [
        f"{found.first_mean * factor:.{decimals}f}",
        f"{found.second_mean * factor:.{decimals}f}",
        f"{found.difference * factor:+.{decimals}f}{spread}",
        p,
        str(found.subjects),
    ]


def _place(judged: Judgement, name: str) -> int | None:
    names = [label.name for label in judged.evaluation.labels]
    return names.index(name) if name in names else None


def _summary(summary: Summary, measure: Measure) -> str:
    return _plain(summary, measure.decimals, measure.factor)


def _plain(summary: Summary, decimals: int, factor: float = 1.0) -> str:
    if summary.n == 0:
        return _NONE
    mean, sd = summary.mean * factor, summary.sd * factor
    return f"{mean:.{decimals}f} ± {sd:.{decimals}f} ({summary.n})"


def _lowest(judged: Judgement, index: int | None) -> str:
    summary = None if index is None else judged.evaluation.summary(index)
    return f"{summary.worst:.3f}" if summary is not None and summary.n else _NONE


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _table(rows: Sequence[Sequence[str]]) -> str:
    """Rows of cells with aligned columns, the first to the left and the others to the right."""
    columns = max(len(row) for row in rows)
    widths = [max((len(row[i]) for row in rows if i < len(row)), default=0) for i in range(columns)]
    return "\n".join(
        "  ".join(
            cell.ljust(widths[i]) if i == 0 else cell.rjust(widths[i]) for i, cell in enumerate(row)
        ).rstrip()
        for row in rows
    )
