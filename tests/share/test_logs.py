"""Structured logs: one JSON object a line, in files that are replaced when they are full."""

import json
import logging
from pathlib import Path

import pytest

from station.documents.fault import StationError
from station.share.logs import logging_to


def test_a_line_says_when_where_what_and_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with logging_to(tmp_path / "logs", "daemon", "INFO", 10, 5):
        log = logging.getLogger("station.somewhere")
        log.info("scan %s is stored", "01a2", extra={"scan": "01a2"})
        try:
            raise ValueError("a defect")  # noqa: TRY301
        except ValueError:
            log.exception("it failed")
    first, second = [
        json.loads(line) for line in (tmp_path / "logs" / "daemon.jsonl").read_text().splitlines()
    ]
    assert (first["level"], first["logger"], first["message"], first["scan"]) == (
        "INFO",
        "station.somewhere",
        "scan 01a2 is stored",
        "01a2",
    )
    assert first["time"].endswith("+00:00")
    assert "ValueError: a defect" in second["exception"]
    assert "scan 01a2 is stored" in capsys.readouterr().err


def test_full_files_are_replaced_and_the_oldest_go(tmp_path: Path) -> None:
    with logging_to(tmp_path, "daemon", "INFO", 0.002, 3):
        for number in range(200):
            logging.getLogger("station").warning("line %d", number)
    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == ["daemon.jsonl", "daemon.jsonl.1", "daemon.jsonl.2"]
    assert max(file.stat().st_size for file in files) <= 2_000
    newest = [json.loads(line)["message"] for line in files[0].read_text().splitlines()]
    assert newest[-1] == "line 199"


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(StationError) as caught,
        logging_to(tmp_path / "file" / "logs", "daemon", "INFO", 10, 5),
    ):
        pass
    assert caught.value.code == "data_unwritable"
