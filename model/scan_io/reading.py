"""One door for all formats: which reader a path belongs to is decided by content, not by its name."""

from __future__ import annotations

from pathlib import Path

from model.errors import ScanError
from model.progress import CancelCheck, Report, never, silent
from model.scan_io import dicom_series, metaimage, nifti, nifti_header, nrrd
from model.scan_io.cleaning import to_scan
from model.scan_io.names import has_suffix, shown_name, starts_as_dicom
from model.scan_io.payload import Coding, head_of
from model.scan_io.results import Decoded, ScanRead


def read_scan(path: Path, report: Report = silent, cancelled: CancelCheck = never) -> ScanRead:
    """The scan in a file, or in a folder with one DICOM series, with notes on what is odd about it.

    Values are uint8, int16, uint16 or float32 (z, y, x), all finite; geometry is LPS mm. A DICOM file stands
    for the series it belongs to. Bent, incomplete and colour data are refused, never guessed at.

    Raises:
        ScanError: one sentence that names the file, what is wrong, and what to do.
        Cancelled: `cancelled` said so.
    """
    return to_scan(decode(path, report, cancelled), cancelled)


def decode(path: Path, report: Report = silent, cancelled: CancelCheck = never) -> Decoded:
    """Values as stored (scaled, not cleaned) and geometry; for `read_scan` and `read_labels`."""
    path = Path(path)
    if path.is_dir():
        return dicom_series.read(path, report, cancelled)
    if has_suffix(path, ".img", ".img.gz"):
        return nifti.read(path, report, cancelled)
    head, coding = head_of(path, nifti.HEADER_BYTES)
    if not head:
        raise ScanError(f"{shown_name(path)} is empty (0 bytes); copy it again from its source.")
    if nifti_header.layout_of(head) is not None:
        return nifti.read(path, report, cancelled)
    if coding is Coding.RAW:
        if head.startswith(nrrd.MAGIC):
            return nrrd.read(path, report, cancelled)
        if metaimage.looks_like(head):
            return metaimage.read(path, report, cancelled)
        if starts_as_dicom(head):
            return dicom_series.read(path, report, cancelled)
    raise ScanError(_unknown(path, head, coding))


def _unknown(path: Path, head: bytes, coding: Coding) -> str:
    readable = "NIfTI, NRRD, MetaImage or DICOM"
    if starts_as_dicom(head) and coding is Coding.GZIP:
        return f"{shown_name(path)} is a compressed DICOM file; unpack it first."
    if all(byte in b"\t\n\r" or byte >= 32 for byte in head):
        return f"{shown_name(path)} holds text, not an image; choose a file in {readable}."
    return f"{shown_name(path)} is not a scan in a format that is read here; export it as {readable}."
