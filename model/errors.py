"""The errors a reader is told about, each one sentence: what, where (file name), what to do.

Anything that is not a `GateLensError` and reaches a boundary is a bug and is logged with its trace.
"""


class GateLensError(Exception):
    """A sentence for the reader; `str(error)` is shown as it is."""


class ScanError(GateLensError):
    """A scan or label file is missing, unreadable, unsupported, or would show a bent volume."""


class BundleError(GateLensError):
    """A model bundle is incomplete, damaged, or holds something that is not a bundle."""


class DataError(GateLensError):
    """A training or evaluation folder does not hold what it must."""


class WorkspaceError(GateLensError):
    """A workspace is missing, damaged, locked, or cannot take what was asked of it."""


class CannotPredict(GateLensError):
    """A model does not apply to a scan, or the prediction would not fit into memory."""


class DoesNotApply(CannotPredict):
    """The model is not made for this scan; a region or a marked override may help."""


class Cancelled(GateLensError):
    """The reader cancelled; nothing is half-written and nothing needs to be said."""
