"""The methods of `control` about results of stored scans."""

from typing import Any

from ..bus.method import Method
from ..documents.requests import Reprocessing, ScanReprocess
from ..scan.reprocess import Reprocessor

Methods = tuple[Method[Any], ...]


def result_methods(reprocessor: Reprocessor) -> Methods:
    """None of them touches the rig."""
    return (
        Method(
            "scan.reprocess",
            reprocessor.start,
            ScanReprocess,
            Reprocessing,
            "Compute stored stacks again with another profile; former results are kept.",
            effect="Each scan gets a further result, which is delivered; a stop forgets what waits still.",
            completes="scan.processed or scan.reprocess_failed, once for each scan",
        ),
    )
