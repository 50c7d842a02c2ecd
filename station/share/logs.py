"""Logs of the services: a line a person reads on stderr, and one JSON object a line in files that rotate."""

import json
import logging
import logging.handlers
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from .durable import storing

LINE = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonLines(logging.Formatter):
    """Time (UTC), level, logger and message; what a call gave as `extra` is added under its own name."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        told = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "process": record.process,
            **{key: value for key, value in vars(record).items() if key not in _OWN},
        }
        if record.exc_info:
            told["exception"] = self.formatException(record.exc_info)
        return json.dumps(told, default=str, ensure_ascii=False)


@contextmanager
def logging_to(folder: Path, name: str, level: str, file_mb: float, files: int) -> Iterator[None]:
    """Log to stderr and to `folder/name.jsonl`, which is replaced when it is full; so many are kept.

    Raises:
        StationError: `data_unwritable` or `disk_full`, the folder or file cannot be made.
    """
    with storing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        file = logging.handlers.RotatingFileHandler(
            folder / f"{name}.jsonl",
            maxBytes=round(file_mb * 1e6),
            backupCount=files - 1,
            encoding="utf-8",
        )
    file.setFormatter(JsonLines())
    terminal = logging.StreamHandler(sys.stderr)
    terminal.setFormatter(logging.Formatter(LINE))
    root = logging.getLogger()
    root.setLevel(level)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    for handler in (file, terminal):
        root.addHandler(handler)
    try:
        yield
    finally:
        for handler in (file, terminal):
            root.removeHandler(handler)
            handler.close()
