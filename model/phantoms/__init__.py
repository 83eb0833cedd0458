"""Synthetic scans: seeded abdomens with exact labels, small analytic volumes for tests; no person's."""

from model.phantoms.abdomen import ABDOMEN_LABELS, AbdomenPhantom, make_abdomen
from model.phantoms.analytic import landmark_phantom, orientation_stamp
from model.phantoms.anatomy import PhantomTraits

__all__ = [
    "ABDOMEN_LABELS",
    "AbdomenPhantom",
    "PhantomTraits",
    "landmark_phantom",
    "make_abdomen",
    "orientation_stamp",
]
