"""The stored numbers of one DICOM slice: plain ones by numpy, compressed ones by SimpleITK.

SimpleITK sees neither the original file (it cannot open every file name, inverts MONOCHROME1 and applies a
rescale of its own) nor what identifies a person: each compressed picture is handed over in a bare temporary
file.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pydicom
import SimpleITK
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import UID, ExplicitVRBigEndian, RLELossless, SecondaryCaptureImageStorage

from model.errors import ScanError
from model.scan_io import dicom_codestreams
from model.scan_io.dicom_headers import BROKEN, PixelFormat, SliceHeader
from model.scan_io.names import shown_name
from model.scan_io.payload import opened
from model.scan_io.results import Array

_PIXEL_TAGS = ["PixelData"]


def stored_type(header: SliceHeader) -> np.dtype[np.generic]:
    """The numpy type of the stored numbers.

    Raises:
        ScanError: an allocation that is not whole bytes.
    """
    form = header.pixel_format
    if (
        form.bits_allocated not in (8, 16, 32)
        or not 0 < form.bits_stored <= form.high_bit + 1 <= form.bits_allocated
    ):
        raise ScanError(
            f"{shown_name(header.path)} stores {form.bits_stored} of {form.bits_allocated} bits a pixel, "
            "which is not read here; export it again."
        )
    return np.dtype(f"{'i' if form.signed else 'u'}{form.bits_allocated // 8}")


def read_slice(header: SliceHeader, scratch: Path) -> Array:
    """The stored numbers (rows, columns) of a slice; call inside `quiet_pydicom`.

    Args:
        header: the slice.
        scratch: a private folder for a picture that SimpleITK unpacks.

    Raises:
        ScanError: truncated, damaged, or compressed in a way SimpleITK does not know.
    """
    dtype = stored_type(header)
    name = shown_name(header.path)
    with opened(header.path) as file:
        try:
            data = pydicom.dcmread(file, force=True, specific_tags=_PIXEL_TAGS)
            plain = not header.compressed
            values = _plain(header, data, dtype) if plain else _unpacked(header, data, scratch)
        except BROKEN as error:
            raise ScanError(
                f"{name} is truncated or damaged (its pixels end early); copy the series again."
            ) from error
        except RuntimeError as error:  # SimpleITK's only exception
            syntax = data.file_meta.TransferSyntaxUID.name
            raise ScanError(
                f"{name} cannot be unpacked ({syntax}); export the series without compression."
            ) from error
    if values.shape != (header.rows, header.columns):
        raise ScanError(
            f"{name} unpacks to {values.shape} pixels, not to {header.rows} × {header.columns}; copy it "
            "again."
        )
    return _only_stored_bits(values.astype(dtype, copy=True), header.pixel_format)


def _plain(header: SliceHeader, data: FileDataset, dtype: np.dtype[np.generic]) -> Array:
    raw = data["PixelData"].value
    syntax = data.file_meta.get("TransferSyntaxUID") if hasattr(data, "file_meta") else None
    big = syntax == ExplicitVRBigEndian
    if big and dtype.itemsize == 1 and data["PixelData"].VR == "OW":
        raw = np.frombuffer(raw, ">u2").astype("<u2").tobytes()  # bytes were swapped in pairs
    count = header.rows * header.columns
    return np.frombuffer(raw, dtype.newbyteorder(">" if big else "<"), count=count).reshape(
        header.rows, header.columns
    )


def _unpacked(header: SliceHeader, data: FileDataset, scratch: Path) -> Array:
    form = header.pixel_format
    bare = Dataset()
    bare.file_meta = FileMetaDataset()
    bare.file_meta.TransferSyntaxUID = data.file_meta.TransferSyntaxUID
    bare.SOPClassUID = bare.file_meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    bare.SOPInstanceUID = bare.file_meta.MediaStorageSOPInstanceUID = UID("1.2.3")
    bare.SamplesPerPixel = 1
    bare.PhotometricInterpretation = "MONOCHROME2"
    bare.Rows, bare.Columns = header.rows, header.columns
    bare.BitsAllocated, bare.BitsStored, bare.HighBit = form.bits_allocated, form.bits_stored, form.high_bit
    bare.PixelRepresentation = int(form.signed)
    frame = next(generate_frames(data["PixelData"].value, number_of_frames=1))
    run_length = data.file_meta.TransferSyntaxUID == RLELossless
    dicom_codestreams.check(
        frame, header.rows, header.columns, form.bits_allocated // 8, run_length=run_length
    )
    bare.add_new("PixelData", "OB", encapsulate([frame], has_bot=False))
    bare["PixelData"].is_undefined_length = True
    picture = scratch / "slice.dcm"
    bare.save_as(picture, enforce_file_format=True)
    SimpleITK.ProcessObject.SetGlobalWarningDisplay(False)
    reader = SimpleITK.ImageFileReader()
    reader.SetImageIO("GDCMImageIO")
    reader.SetFileName(str(picture))
    with dicom_codestreams.complaints_heard(scratch) as complained:
        image = reader.Execute()
    if complained():
        raise dicom_codestreams.DamagedStreamError("the codec complained")
    array: Array = SimpleITK.GetArrayFromImage(image)
    return array[0] if array.ndim == 3 else array


def _only_stored_bits(values: Array, form: PixelFormat) -> Array:
    """The numbers in bits high_bit … high_bit − bits_stored + 1, sign-extended; stray bits beside them go."""
    left = form.bits_allocated - 1 - form.high_bit
    right = form.bits_allocated - form.bits_stored
    if left or right:
        np.left_shift(values, left, out=values)
        np.right_shift(values, right, out=values)
    return values


def scratch_folder() -> tempfile.TemporaryDirectory[str]:
    """A private folder that goes when its context ends."""
    return tempfile.TemporaryDirectory(prefix="gatelens-")
