"""Which person a scan belongs to, without keeping who that is: what splits must never divide."""

from __future__ import annotations

import csv
import hashlib
import hmac
from pathlib import Path

from model.errors import ScanError
from model.scan_io import scan_name

TABLE_NAME = "subjects.csv"
_LARGEST_TABLE_BYTES = 32 * 1024 * 1024


class Subjects:
    """Finds the subject of scans; reads each `subjects.csv` once.

    Args:
        salt: the workspace's own, so that one person's hash differs between workspaces.
    """

    def __init__(self, salt: str) -> None:
        self._salt = salt
        self._tables: dict[Path, dict[str, str]] = {}

    def find(self, scan: Path, dicom_patient_id: str | None = None) -> str:
        """The subject of `scan` (a file or a DICOM folder).

        From `subjects.csv` (columns file and subject) in the scan's folder or its parent, else from the DICOM
        patient id, hashed with the salt, else the file's own name without its suffix (a folder's is hashed as
        well: it may be the patient's name).

        Raises:
            ScanError: a `subjects.csv` that cannot be used.
        """
        for folder in dict.fromkeys((scan.parent, scan.parent.parent)):
            listed = self._table(folder)
            subject = listed.get(scan.name) or listed.get(scan_name(scan))
            if subject:
                return subject
        if dicom_patient_id and dicom_patient_id.strip():
            return hashed_subject(dicom_patient_id, self._salt)
        if scan.is_dir():
            return hashed_subject(scan.name, self._salt)
        return scan_name(scan)

    def _table(self, folder: Path) -> dict[str, str]:
        if folder not in self._tables:
            self._tables[folder] = _read(folder / TABLE_NAME)
        return self._tables[folder]


def hashed_subject(dicom_patient_id: str, salt: str) -> str:
    """A subject key from a DICOM patient id (0010,0020): one for each person, and not to be turned back."""
    key = hmac.new(salt.encode("utf-8"), dicom_patient_id.strip().encode("utf-8"), hashlib.sha256).hexdigest()
    return f"P-{key[:16]}"


def _read(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    try:
        if path.stat().st_size > _LARGEST_TABLE_BYTES:
            raise ScanError(f"{path.name} is over 32 MB; a table of files and subjects is never that large.")
        with open(path, encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            columns = reader.fieldnames or []
            if "file" not in columns or "subject" not in columns:
                raise ScanError(
                    f"{path.name} in {path.parent.name} needs the columns file and subject; add them."
                )
            return {
                row["file"].strip(): row["subject"].strip()
                for row in reader
                if row.get("file") and row.get("subject")
            }
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ScanError(
            f"{path.name} in {path.parent.name} cannot be read ({error}); save it as UTF-8 CSV."
        ) from error
