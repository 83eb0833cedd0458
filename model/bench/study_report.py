"""The tables of a study, as markdown: means over seeds, paired differences over subjects, time; nothing is trained."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from model.bench.study_rows import RunRow
from model.comparison import paired_difference
from model.metrics import summarise

BASELINE = "unet"
MEAN = "mean of labels"


def tables(rows: Sequence[RunRow]) -> str:
    """Markdown tables over the finished runs `rows`, which share their data, labels and steps: every run, means,
    paired differences, time.
    """
    if not rows:
        return "No run is finished yet.\n"
    return "\n".join((_means(rows), _paired(rows), _times(rows), _runs(rows)))


def _means(rows: Sequence[RunRow]) -> str:
    labels = (*rows[0].labels, MEAN)
    lines = ["| training subjects | arm | " + " | ".join(labels) + " | seeds |"]
    lines.append("|---" * (len(labels) + 3) + "|")
    for share in _shares(rows):
        for arm in _arms(rows):
            runs = _of(rows, arm, share)
            if not runs:
                continue
            found = [_label_means(run) for run in runs]
            cells = [_mean_and_sd([means[i] for means in found]) for i in range(len(labels))]
            lines.append(
                f"| {_subjects(runs)} | {arm} | {' | '.join(cells)} | {_listed(run.seed for run in runs)} |"
            )
    cases = len(rows[0].cases)
    people = len({case.subject for case in rows[0].cases})
    words = f"Dice on {cases} scans of {people} held-back subjects, mean ± sd over seeds, {rows[0].steps} steps a run."
    return f"{words}\n\n" + "\n".join(lines) + "\n"


def _paired(rows: Sequence[RunRow]) -> str:
    lines = [
        "| training subjects | label | compared | mean | mean | difference ± sd | subjects | p |",
        "|---" * 8 + "|",
    ]
    for share in _shares(rows):
        for arm in (arm for arm in _arms(rows) if arm != BASELINE):
            first, second = _same_seeds(_of(rows, BASELINE, share), _of(rows, arm, share))
            if not first:
                continue
            for index, label in enumerate((*rows[0].labels, MEAN)):
                found = paired_difference(_by_subject(first, index), _by_subject(second, index))
                p = found.note if found.p is None else f"{found.p:.3g}"
                lines.append(
                    f"| {_subjects(first)} | {label} | {BASELINE} → {arm}, {len(first)} seeds "
                    f"| {found.first_mean:.4f} | {found.second_mean:.4f} "
                    f"| {found.difference:+.4f} ± {found.sd:.4f} | {found.subjects} | {p} |"
                )
    words = "Paired over subjects (a subject's scans and seeds averaged first), Wilcoxon signed-rank."
    return f"{words}\n\n" + "\n".join(lines) + "\n"


def _times(rows: Sequence[RunRow]) -> str:
    lines = ["| arm | parameters | threads | seconds a step | seconds a run |", "|---" * 5 + "|"]
    for arm in _arms(rows):
        for threads in sorted({row.threads for row in rows if row.arm == arm}):
            runs = [row for row in rows if (row.arm, row.threads) == (arm, threads)]
            step = float(np.median([run.step_seconds for run in runs]))
            seconds = [run.seconds for run in runs]
            lines.append(
                f"| {arm} | {runs[0].parameters:,} | {threads} | {step:.3f} "
                f"| {np.median(seconds):.0f} ({min(seconds):.0f}–{max(seconds):.0f}) |"
            )
    return "Time: medians (lowest–highest), validation included.\n\n" + "\n".join(lines) + "\n"


def _runs(rows: Sequence[RunRow]) -> str:
    labels = rows[0].labels
    lines = [
        "| arm | training subjects | seed | " + " | ".join(labels) + " |",
        "|---" * (len(labels) + 3) + "|",
    ]
    for share in _shares(rows):
        for arm in _arms(rows):
            for run in _of(rows, arm, share):
                cells = " | ".join(f"{mean:.4f}" for mean in _label_means(run)[:-1])
                lines.append(f"| {arm} | {run.subjects} | {run.seed} | {cells} |")
    return "Every run, mean Dice.\n\n" + "\n".join(lines) + "\n"


def _label_means(run: RunRow) -> list[float]:
    """Mean Dice of each label over the cases, and the mean of those."""
    means = [summarise([case.dice[i] for case in run.cases]).mean for i in range(len(run.labels))]
    return [*means, float(np.mean(means))]


def _by_subject(runs: Sequence[RunRow], label: int) -> Mapping[str, Sequence[float]]:
    """Dice of one label, or the mean of all where `label` is one more than there are, of each subject's scans."""
    found: dict[str, list[float]] = defaultdict(list)
    for run in runs:
        for case in run.cases:
            value = case.dice[label] if label < len(run.labels) else summarise(case.dice).mean
            found[case.subject].append(value)
    return found


def _same_seeds(
    first: Sequence[RunRow], second: Sequence[RunRow]
) -> tuple[tuple[RunRow, ...], tuple[RunRow, ...]]:
    """The runs of the seeds both arms have, so that what is compared differs in the arm alone."""
    seeds = {run.seed for run in first} & {run.seed for run in second}
    return tuple(run for run in first if run.seed in seeds), tuple(run for run in second if run.seed in seeds)


def _of(rows: Sequence[RunRow], arm: str, share: float) -> tuple[RunRow, ...]:
    return tuple(sorted((r for r in rows if (r.arm, r.share) == (arm, share)), key=lambda row: row.seed))


def _shares(rows: Sequence[RunRow]) -> list[float]:
    return sorted({row.share for row in rows}, reverse=True)


def _arms(rows: Sequence[RunRow]) -> list[str]:
    return sorted({row.arm for row in rows}, key=lambda arm: (arm != BASELINE, arm))


def _subjects(runs: Sequence[RunRow]) -> str:
    return f"{runs[0].subjects} ({runs[0].share:.0%})"


def _mean_and_sd(values: Sequence[float]) -> str:
    summary = summarise(values)
    if summary.n == 0:
        return "–"
    return f"{summary.mean:.3f} ± {summary.sd:.3f}" if summary.n > 1 else f"{summary.mean:.3f}"


def _listed(numbers: Iterable[int]) -> str:
    return ", ".join(str(number) for number in numbers)
