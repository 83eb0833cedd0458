"""Scans, labels and maps in and out of files; geometry always LPS mm, arrays always z, y, x.

One file per format; `guard` holds our own header checks. What the values mean to a model is not decided here.
"""

from model.scan_io.labels import check_same_grid, read_labels
from model.scan_io.maps import read_map, write_map
from model.scan_io.names import find_scans, scan_name, shown_name
from model.scan_io.reading import read_scan
from model.scan_io.results import LabelRead, ScanRead, ScanSource
from model.scan_io.writing import write_labels, write_scan

__all__ = [
    "LabelRead",
    "ScanRead",
    "ScanSource",
    "check_same_grid",
    "find_scans",
    "read_labels",
    "read_map",
    "read_scan",
    "scan_name",
    "shown_name",
    "write_labels",
    "write_map",
    "write_scan",
]
