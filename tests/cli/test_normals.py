"""`station normals` as a process: what it prints, writes and refuses."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def station(private_home: Any) -> Run:
    """`station("normals", ...)` in an empty home, 80 columns wide."""

    def call(*words: object) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "station.cli", *map(str, words)],
            env={**private_home.env, "COLUMNS": "80"},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return call


def test_help_shows_what_to_type(station: Run) -> None:
    said = station("normals", "--help").stdout
    for words in (
        "station normals photos/lights.lp --out result",
        "--black",
        "--gamma",
        "filenames.txt",
        ".lp",
    ):
        assert words in said


def test_a_folder_is_held_against_its_truth(station: Run, test_data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = station(
        "normals", test_data / "bunny_specular", "--out", out, "--export", "ptm,ply", "--lights", "0-7"
    )
    assert done.returncode == 0, done.stderr
    printed = re.search(r"mean ([\d.]+)°, median ([\d.]+)°, 95 % below ([\d.]+)°", done.stdout)
    assert printed is not None
    told = json.loads((out / "quality.json").read_text())
    errors = told["figures"]["errors"]
    assert [float(word) for word in printed.groups()] == [
        round(errors[key], 2) for key in ("mean_deg", "median_deg", "p95_deg")
    ]
    assert errors["mean_deg"] <= 5.0
    assert str(out / "quality.json") in done.stdout
    assert {record["file"] for record in told["files"]} | {"quality.json"} == {p.name for p in out.iterdir()}
    assert done.stderr == "note: without --pixel-mm a pixel is the unit of length: heights are in pixels\n"


@pytest.mark.parametrize(
    ("words", "exit_code", "sentence"),
    [
        (("none.lp",), 15, "error: there is no file, folder or scan none.lp"),
        (("none.lp", "--lights", "0,x"), 2, "error: --lights '0,x' is not a list of lights such as 0,2,4-7"),
        (("none.lp", "--estimator", "best"), 2, "'best' is not one of"),
    ],
)
def test_what_is_wrong_is_one_sentence(
    station: Run, tmp_path: Path, words: tuple[str, ...], exit_code: int, sentence: str
) -> None:
    done = station("normals", *words, "--out", tmp_path / "out")
    assert done.returncode == exit_code
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert not (tmp_path / "out").exists()
