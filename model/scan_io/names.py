"""Names of scan files: suffixes, names without them, names fit to be shown, and finding scans in a folder."""

from __future__ import annotations

import os
from pathlib import Path

from model.errors import ScanError

SUFFIXES = (".nii.gz", ".nii", ".nrrd", ".nhdr", ".mha", ".mhd", ".hdr", ".img.gz", ".hdr.gz", ".img")
"""Suffixes of files that hold a scan; longer ones first where one ends another."""

_COMPANIONS = (".img", ".img.gz", ".raw", ".raw.gz", ".zraw")
"""Files that another file of the same scan names; they are not scans by themselves."""


def shown_name(path: Path) -> str:
    """The file name as text that any terminal takes: bytes that are not UTF-8 become the replacement sign."""
    name = path.name or str(path)
    return os.fsencode(name).decode("utf-8", "replace")


def scan_name(path: Path) -> str:
    """The file name without its scan suffix: "case.01.nii.gz" gives "case.01"; a folder keeps its name."""
    lower = path.name.lower()
    for suffix in (*SUFFIXES, ".dcm"):
        if lower.endswith(suffix) and len(lower) > len(suffix):
            return path.name[: -len(suffix)]
    return path.name


def has_suffix(path: Path, *suffixes: str) -> bool:
    """True if the name ends in one of `suffixes`, whatever its case."""
    return path.name.lower().endswith(suffixes)


def find_scans(folder: Path) -> tuple[Path, ...]:
    """The scans in a folder and the folders below it, sorted: files by suffix, and folders of DICOM files.

    Hidden files and folders are left out, and so are links to folders. A folder that holds DICOM files counts
    as one scan, whatever its files are called.
    """
    if not folder.is_dir():
        raise ScanError(f"{shown_name(folder)} is not a folder; name the folder that holds the scans.")
    found: list[Path] = []
    for parent, folders, files in os.walk(folder, onerror=_cannot_list):
        folders[:] = [name for name in folders if not name.startswith(".")]
        others: list[Path] = []
        for name in files:
            path = Path(parent, name)
            if name.startswith(".") or name.upper() == "DICOMDIR":  # a list of files, not one of them
                continue
            if has_suffix(path, *_COMPANIONS):
                continue
            if has_suffix(path, *SUFFIXES):
                found.append(path)
            else:
                others.append(path)
        if any(is_dicom(path) for path in sorted(others)):
            found.append(Path(parent))
    return tuple(sorted(found))


def is_dicom(path: Path) -> bool:
    """True if the file starts as DICOM PS3.10 says, or with a data set that has lost its preamble."""
    try:
        if not path.is_file():  # a pipe or a device would block
            return False
        with path.open("rb") as file:
            return starts_as_dicom(file.read(140))
    except OSError:
        return False


def starts_as_dicom(head: bytes) -> bool:
    """True if `head` (140 bytes are enough) is the start of a DICOM file, with or without a preamble."""
    if head[128:132] == b"DICM":
        return True
    # Without the preamble, a file starts with a low element of group 0002 (meta) or 0008, little endian.
    if len(head) < 16 or head[:2] not in (b"\x02\0", b"\x08\0") or head[3] != 0 or head[2] > 0x70:
        return False
    explicit = head[4:6].isalpha() and head[4:6].isupper()
    return explicit or int.from_bytes(head[4:8], "little") <= 1024


def _cannot_list(error: OSError) -> None:
    name = shown_name(Path(error.filename or ""))
    raise ScanError(
        f"The folder {name} cannot be listed ({error.strerror}); check its permissions."
    ) from error
