"""Where "take prediction" takes from: the prediction, any stored one of another model, any saved version of the case.

What is chosen lies in memory beside the mask until another is chosen or the case is left; one at most.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from app.controllers.desk import Desk
from app.core.events import Event
from app.core.label_mapping import translated
from app.core.labels import LabelTable
from app.core.patch import Labels
from app.core.session import Session
from app.jobs.runner import Lane
from app.store.label_families import table_to_start_with
from app.store.label_version import LabelVersion
from app.store.workspace import Workspace
from model.prediction import Prediction, Provenance

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class MaskSource:
    """A mask of the open case that can be taken from.

    Attributes:
        kind: whose it is: a model's, or a reader's.
        key: the prediction's, or the version's number.
        text: what the reader sees, "pancreas-0.3 of 2026-11-02" or "version 2 by Dr. X".
    """

    kind: Literal["prediction", "version"]
    key: str
    text: str


class TakingController:
    """Lists the masks of the open case and reads the one that is chosen.

    Attributes:
        changed: other sources were found, another one is in force, or one is being read.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.changed: Event[None] = Event("mask sources changed")
        self._sources: tuple[MaskSource, ...] = ()
        self._source: MaskSource | None = None
        self._reading: MaskSource | None = None
        desk.events.case_opened.subscribe(lambda _: self._begin())
        desk.events.case_closed.subscribe(lambda _: self._begin())

    @property
    def sources(self) -> tuple[MaskSource, ...]:
        """The masks that were found, besides the prediction on the desk; newest first, predictions before versions."""
        return self._sources

    @property
    def source(self) -> MaskSource | None:
        """What is taken from; None: the prediction on the desk."""
        return self._source

    @property
    def reading(self) -> MaskSource | None:
        """What was chosen and is still being read; until it is there the prediction is taken from."""
        return self._reading

    def look(self) -> None:
        """Look for the masks of the open case; `changed` tells that they are known."""
        desk = self._desk
        session, workspace = desk.session, desk.workspace
        if session is None or workspace is None:
            return
        shown, case_id = session.prediction, session.case.id

        def done(found: tuple[MaskSource, ...]) -> None:
            if desk.session is session and found != self._sources:
                self._sources = found
                self.changed.emit(None)

        def failed(error: Exception) -> None:
            _log.info("could not list the masks of case %s: %s", case_id[:8], type(error).__name__)

        desk.runner.submit(
            Lane.FILES,
            "Listing masks",
            lambda report, cancelled: _sources_of(workspace, case_id, shown),
            done,
            failed,
            case_id=case_id,
            quiet=True,
        )

    def choose(self, source: MaskSource | None) -> None:
        """Take from another mask once it is read; None: from the prediction on the desk again."""
        desk = self._desk
        session, workspace = desk.session, desk.workspace
        if session is None or workspace is None or source in (self._reading or self._source,):
            return
        # The one before goes first, so that never two lie in memory.
        session.tools.take_from(None)
        self._source, self._reading = None, source
        self.changed.emit(None)
        if source is None:
            return
        read = _reader(workspace, session, source)

        def is_wanted() -> bool:
            if desk.session is not session or self._reading is not source:
                return False
            self._reading = None
            return True

        def done(labels: Labels) -> None:
            if is_wanted():
                session.tools.take_from(labels, source.text)
                self._source = source
                self.changed.emit(None)

        def failed(error: Exception) -> None:
            if is_wanted():
                self.changed.emit(None)
                desk.fail(error, f"Reading {source.text}")

        desk.runner.submit(
            Lane.FILES,
            f"Reading {source.text}",
            lambda report, cancelled: read(),
            done,
            failed,
            case_id=session.case.id,
            quiet=True,
        )

    def _begin(self) -> None:
        """Another case has other masks; its session takes from the prediction."""
        self._sources, self._source, self._reading = (), None, None
        self.changed.emit(None)


def _reader(workspace: Workspace, session: Session, source: MaskSource) -> Callable[[], Labels]:
    """What reads a source in the files lane, in the values of the session's table; it touches no session."""
    case_id, grid = session.case.id, session.grid
    ours, kind = session.table, session.labels.dtype

    def read() -> Labels:
        labels: Labels
        theirs: LabelTable
        if source.kind == "version":
            number = int(source.key)
            labels = workspace.labels.load(case_id, number, grid).labels
            key = workspace.labels.table_key(case_id, number)
            theirs = ours if key is None else workspace.label_table(key)
        else:
            labels, meaning = workspace.predictions.mask(case_id, source.key, grid)
            model = workspace.predictions.provenances(case_id)[source.key].bundle_name
            theirs = table_to_start_with(workspace, meaning, model)
        return translated(labels, theirs, ours, kind, source.text)

    return read


def _sources_of(workspace: Workspace, case_id: str, shown: Prediction | None) -> tuple[MaskSource, ...]:
    """Every mask of a case but the prediction that is shown."""
    made = workspace.predictions.provenances(case_id)
    others = {
        key: origin for key, origin in made.items() if shown is None or not _same(origin, shown.provenance)
    }
    newest = sorted(others, key=lambda key: others[key].created, reverse=True)
    predictions = [MaskSource("prediction", key, _prediction_text(others[key])) for key in newest]
    versions = [
        MaskSource("version", str(version.number), _version_text(version))
        for version in reversed(workspace.labels.versions(case_id))
    ]
    return (*_told_apart(predictions, others), *versions)


def _same(one: Provenance, other: Provenance) -> bool:
    """Whether both come from one run of a model."""
    return (one.bundle_hash, one.region, one.overridden, one.created) == (
        other.bundle_hash, other.region, other.overridden, other.created,
    )  # fmt: skip


def _prediction_text(origin: Provenance, time: str = "%Y-%m-%d") -> str:
    inside = "" if origin.region is None else ", in a box"
    return f"{origin.bundle_name} of {datetime.fromisoformat(origin.created).astimezone():{time}}{inside}"


def _version_text(version: LabelVersion) -> str:
    return f"version {version.number}" + (f" by {version.reader}" if version.reader else "")


def _told_apart(predictions: Iterable[MaskSource], origins: dict[str, Provenance]) -> tuple[MaskSource, ...]:
    """The same, with the time of day where two would read alike."""
    found = tuple(predictions)
    counts = Counter(source.text for source in found)
    return tuple(
        source
        if counts[source.text] == 1
        else replace(source, text=_prediction_text(origins[source.key], "%Y-%m-%d %H:%M:%S"))
        for source in found
    )
