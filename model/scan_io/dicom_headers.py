"""The header of one DICOM file: the few facts that order slices and scale values, read without its pixels.

pydicom reads; what it stumbles over becomes `BrokenFileError`. Which files make a volume is `dicom_geometry`.
"""

from __future__ import annotations

import logging
import math
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import pydicom
from pydicom.config import disable_value_validation
from pydicom.dataset import FileDataset
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ImplicitVRLittleEndian

from model.errors import ScanError
from model.grid import Float3
from model.scan_io.payload import opened

TAGS = [
    *("SpecificCharacterSet", "ImageType", "SOPClassUID", "StudyDate", "Modality", "SeriesDescription"),
    *("PatientID", "SliceThickness", "SeriesInstanceUID", "SeriesNumber", "ImagePositionPatient"),
    *("ImageOrientationPatient", "SamplesPerPixel", "PhotometricInterpretation", "NumberOfFrames", "Rows"),
    *("Columns", "PixelSpacing", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation"),
    *("WindowCenter", "WindowWidth", "RescaleIntercept", "RescaleSlope", "ModalityLUTSequence"),
]

BROKEN = (
    *(InvalidDicomError, EOFError, ValueError, KeyError, NotImplementedError, struct.error, zlib.error),
    *(
        BytesLengthException,
        OverflowError,
        TypeError,
        AttributeError,
        IndexError,
        RecursionError,
        MemoryError,
    ),
)
"""What pydicom raises on damaged files; undocumented, so the list comes from feeding it damaged files."""

_STANDARD = "1.2.840.10008"
_NATIVE = _STANDARD + ".1.2"


class BrokenFileError(ScanError):
    """A DICOM file that cannot be read to the end of its header, or whose pixels are cut short."""


@dataclass(frozen=True)
class PixelFormat:
    """How the numbers of a slice are stored (DICOM PS3.5, 8.1.1)."""

    bits_allocated: int
    bits_stored: int
    high_bit: int
    signed: bool


@dataclass(frozen=True)
class SliceHeader:
    """One file of a series; None where a file does not say.

    Attributes:
        position: LPS mm of the centre of the first pixel.
        row_direction: LPS unit vector along which columns count up.
        column_direction: LPS unit vector along which rows count up.
        row_spacing: mm between rows (first of PixelSpacing).
        column_spacing: mm between columns (second of PixelSpacing).
    """

    path: Path
    series_uid: str
    series_number: str
    description: str | None
    modality: str | None
    image_type: tuple[str, ...]
    rows: int
    columns: int
    samples: int
    photometric: str
    frames: int
    position: Float3 | None
    row_direction: Float3 | None
    column_direction: Float3 | None
    row_spacing: float | None
    column_spacing: float | None
    thickness: float | None
    slope: float
    intercept: float
    has_lookup_table: bool
    pixel_format: PixelFormat
    has_pixels: bool
    compressed: bool
    patient_id: str | None
    study_date: str | None
    window: tuple[float, float] | None

    @property
    def is_image(self) -> bool:
        """True for a picture with rows and columns; false for plans, reports, directories."""
        return self.rows > 0 and self.columns > 0


@contextmanager
def quiet_pydicom() -> Iterator[None]:
    """Keep pydicom's remarks on odd values out of the log and the terminal: we judge the values ourselves.

    Python's warning filters belong to the process, so another thread's warnings are not shown meanwhile either.
    """
    logger = logging.getLogger("pydicom")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), disable_value_validation():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(before)


def read_header(path: Path) -> SliceHeader:
    """The header of a DICOM file; call inside `quiet_pydicom`.

    Raises:
        BrokenFileError: the file is cut off or damaged.
    """
    with opened(path) as file:
        try:
            data = pydicom.dcmread(file, stop_before_pixels=True, force=True, specific_tags=TAGS)
            header = _header(path, data, file)
        except BROKEN as error:
            raise BrokenFileError(f"{type(error).__name__}: {error}") from error
        return header


def _header(path: Path, data: FileDataset, file: BinaryIO) -> SliceHeader:
    syntax = str(data.file_meta.get("TransferSyntaxUID", "")) if hasattr(data, "file_meta") else ""
    compressed = bool(syntax) and not syntax.startswith(_NATIVE + ".1") and syntax not in (
        ImplicitVRLittleEndian, ExplicitVRBigEndian
    )  # fmt: skip
    cosines = _floats(data, "ImageOrientationPatient", 6)
    position = _floats(data, "ImagePositionPatient", 3)
    spacing = _floats(data, "PixelSpacing", 2)
    bits = _integer(data, "BitsAllocated", 0)
    stored = _integer(data, "BitsStored", bits)
    header = SliceHeader(
        path=path,
        series_uid=_text(data, "SeriesInstanceUID") or "",
        series_number=_text(data, "SeriesNumber") or "",
        description=_text(data, "SeriesDescription"),
        modality=_text(data, "Modality"),
        image_type=tuple(str(word).upper() for word in data.get("ImageType") or ()),
        rows=_integer(data, "Rows", 0),
        columns=_integer(data, "Columns", 0),
        samples=_integer(data, "SamplesPerPixel", 1),
        photometric=(_text(data, "PhotometricInterpretation") or "MONOCHROME2").upper(),
        frames=_integer(data, "NumberOfFrames", 1),
        position=None if position is None else (position[0], position[1], position[2]),
        row_direction=None if cosines is None else (cosines[0], cosines[1], cosines[2]),
        column_direction=None if cosines is None else (cosines[3], cosines[4], cosines[5]),
        row_spacing=None if spacing is None else spacing[0],
        column_spacing=None if spacing is None else spacing[1],
        thickness=_number(data, "SliceThickness"),
        slope=_number(data, "RescaleSlope") or 1.0,
        intercept=_number(data, "RescaleIntercept") or 0.0,
        has_lookup_table="ModalityLUTSequence" in data,
        pixel_format=PixelFormat(
            bits, stored, _integer(data, "HighBit", stored - 1), _integer(data, "PixelRepresentation", 0) == 1
        ),
        has_pixels=False,
        compressed=compressed,
        patient_id=_text(data, "PatientID"),
        study_date=_date(_text(data, "StudyDate")),
        window=_window(data),
    )
    if not header.is_image:
        if _should_be_image(data):
            raise BrokenFileError("ends before its picture")
        return header
    deflated = syntax == DeflatedExplicitVRLittleEndian
    present = deflated or _pixels_follow(file, header, explicit=not bool(data.original_encoding[0]))
    return replace(header, has_pixels=present)


def _should_be_image(data: FileDataset) -> bool:
    """True if the class of the object promises a picture, or is missing because the file is cut that early."""
    meta = data.file_meta.get("MediaStorageSOPClassUID") if hasattr(data, "file_meta") else None
    uid = UID(str(meta or data.get("SOPClassUID") or ""))
    # A standard class that nobody knows is one that was cut; private ones (Siemens CSA Non-Image) are whole.
    cut = uid.name == uid and (uid.startswith(_STANDARD) or _STANDARD.startswith(uid))
    return cut or "Image Storage" in uid.name


def _pixels_follow(file: BinaryIO, header: SliceHeader, *, explicit: bool) -> bool:
    """Whether pixel data stands at the file's position, and (where not compressed) all of it.

    Raises:
        BrokenFileError: fewer bytes follow than rows and columns need.
    """
    start = file.read(12)
    if start[:4] not in (b"\xe0\x7f\x10\x00", b"\x7f\xe0\x00\x10"):
        return False
    if header.compressed:
        return True
    here = file.tell() - (0 if explicit else 4)
    present = file.seek(0, 2) - here
    wanted = (
        header.rows
        * header.columns
        * header.samples
        * max(1, header.frames)
        * header.pixel_format.bits_allocated
        // 8
    )
    if present < wanted:
        raise BrokenFileError(f"{present} of {wanted} bytes of pixels")
    return True


def _text(data: FileDataset, keyword: str) -> str | None:
    """A value as one line of printable text, or None where it is missing or empty."""
    value = data.get(keyword)
    if value is None:
        return None
    text = "".join(letter if letter.isprintable() else " " for letter in str(value)).strip()
    return text[:120] or None


def _floats(data: FileDataset, keyword: str, count: int) -> tuple[float, ...] | None:
    """`count` finite numbers, or None where the value is missing, empty or makes no sense."""
    try:
        value = data.get(keyword)
        if value is None or value == "":
            return None
        numbers = tuple(float(number) for number in (value if count > 1 else [value]))
    except (ValueError, TypeError, OverflowError):
        return None
    return numbers if len(numbers) == count and all(math.isfinite(number) for number in numbers) else None


def _number(data: FileDataset, keyword: str) -> float | None:
    numbers = _floats(data, keyword, 1)
    return None if numbers is None else numbers[0]


def _integer(data: FileDataset, keyword: str, default: int) -> int:
    number = _number(data, keyword)
    return default if number is None else int(number)


def _window(data: FileDataset) -> tuple[float, float] | None:
    """The first window a file proposes, as level and width in rescaled values."""
    try:
        level, width = (
            float(value if isinstance(value, (str, float, int)) else value[0])
            for value in (data.get("WindowCenter"), data.get("WindowWidth"))
            if value is not None
        )
    except (ValueError, TypeError, IndexError):
        return None
    return (level, width) if math.isfinite(level) and math.isfinite(width) and width >= 1 else None


def _date(text: str | None) -> str | None:
    """A date such as 20240531 as "2024-05-31"; None for anything else."""
    if text is None or len(text) != 8 or not text.isdigit():
        return None
    return f"{text[:4]}-{text[4:6]}-{text[6:]}"
