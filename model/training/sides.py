"""The two sides of a training: which cases it learns from, which it is judged on, and the labels they hold."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from model.bundle import BundleLabel
from model.errors import DataError
from model.progress import CancelCheck, Report, never, silent
from model.training.config import TrainConfig
from model.training.data import (
    Case,
    CaseFile,
    Preparation,
    label_palette,
    load_cases,
    open_source,
    part_of_subjects,
    read_case,
    refuse_divided_subjects,
    split_by_subject,
)


def read_data(
    config: TrainConfig, report: Report = silent, cancelled: CancelCheck = never
) -> tuple[tuple[Case, ...], tuple[Case, ...], tuple[BundleLabel, ...]]:
    """Training cases, validation cases, and the labels that are learned.

    Raises:
        DataError: if a side is empty, a subject is on both, or the labels do not fit.
    """
    source = open_source(config.data)
    training, validation = split_files(config)
    labels = config.labels or source.labels or _labels_found(source.files)
    if len(config.label_weights) not in (0, len(labels)):
        raise DataError(
            f"{len(config.label_weights)} label weights for {len(labels)} labels; give one for each."
        )
    prepare = Preparation(config.orientation, config.spacing, config.intensity, labels)
    return (
        load_cases(training, prepare, report, cancelled),
        load_cases(validation, prepare, report, cancelled),
        labels,
    )


def split_files(config: TrainConfig) -> tuple[tuple[CaseFile, ...], tuple[CaseFile, ...]]:
    """The cases trained on and those validated on, as `config` says; never one subject on both sides."""
    files = open_source(config.data).files
    if config.validation_data is None:
        training, validation = split_by_subject(files, config.validation_share, config.split_by)
    else:
        training, validation = files, open_source(config.validation_data).files
        refuse_divided_subjects(training, validation)
    return part_of_subjects(training, config.training_share, config.split_by), validation


def _labels_found(files: Iterable[CaseFile]) -> tuple[BundleLabel, ...]:
    values = {int(value) for file in files for value in np.unique(read_case(file)[1])}
    if values <= {0}:
        raise DataError("The labels of these data are empty; nothing can be learned from them.")
    return label_palette(sorted(values))
