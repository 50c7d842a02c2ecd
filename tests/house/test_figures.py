"""The harness of `make bench` and `make soak` keeps what was measured and says what failed."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

GOOD = """
import json
def main():
    print(json.dumps({"name": "solve", "value": 1.25, "unit": "s", "note": "one | two"}))
    print(json.dumps({"name": "pixels", "value": 1234567, "unit": "px"}))
if __name__ == "__main__":
    main()
"""
SOAK_TESTS = """
import pytest

@pytest.mark.soak
def test_endures(record_property):
    record_property("cycles", [1000, "cycles"])

@pytest.mark.soak
def test_other():
    assert {outcome}

def test_quick():
    raise AssertionError("not a soak test")
"""


@dataclass
class Bench:
    """A harness at work on a folder of its own."""

    folder: Path
    run: Callable[..., subprocess.CompletedProcess[str]]

    def script(self, name: str, source: str) -> None:
        (self.folder / f"{name}.py").write_text(source)

    def goals(self, text: str) -> None:
        (self.folder / "goals.toml").write_text(text)

    @property
    def page(self) -> str:
        path = self.folder / "figures.md"
        return path.read_text("utf-8") if path.exists() else ""

    def kept(self, section: str = "bench") -> dict[str, list[object]]:
        return dict(json.loads((self.folder / "out" / f"{section}.json").read_text("utf-8")))


@pytest.fixture
def bench(tmp_path: Path, checkout: Path) -> Bench:
    def run(section: str = "bench", *names: str, check: str = "") -> subprocess.CompletedProcess[str]:
        folders = [
            "--folder",
            tmp_path,
            "--page",
            tmp_path / "figures.md",
            "--out",
            tmp_path / "out",
            "--tests",
            tmp_path,
        ]
        harness = checkout / "tests" / "benchmarks" / "run.py"
        return subprocess.run(
            [sys.executable, harness, section, *names, *folders],
            check=False,
            capture_output=True,
            text=True,
            env=os.environ | {"CHECK": check},
        )

    return Bench(tmp_path, run)


def test_figures_are_written_with_the_machine_and_kept_as_json(bench: Bench) -> None:
    bench.script("good_speed", GOOD)
    done = bench.run()
    assert done.returncode == 0, done.stderr
    assert "| solve | 1.25 | s |  | one \\| two |" in bench.page
    assert "| pixels | 1,234,567 | px |" in bench.page
    assert "cores" in bench.page
    assert f"Python {sys.version_info.major}.{sys.version_info.minor}" in bench.page
    assert [figure["value"] for figure in bench.kept()["figures"]] == [1.25, 1234567.0]  # type: ignore[index]
    assert bench.kept()["failures"] == []


def test_second_run_replaces_its_section_and_leaves_the_rest(bench: Bench) -> None:
    bench.script("good_speed", GOOD)
    (bench.folder / "figures.md").write_text("# Figures\n\nA word before.\n")
    bench.run()
    (bench.folder / "figures.md").write_text(bench.page + "\nA word after.\n")
    bench.script("good_speed", GOOD.replace("1.25", "2.5"))
    assert bench.run().returncode == 0
    assert "A word before." in bench.page
    assert "A word after." in bench.page
    assert "| solve | 2.5 |" in bench.page
    assert "1.25" not in bench.page
    assert bench.page.count("bench: begin") == 1


def test_damaged_markers_are_not_written_over(bench: Bench) -> None:
    bench.script("good_speed", GOOD)
    bench.run()
    damaged = bench.page.replace("<!-- bench: end -->", "")
    (bench.folder / "figures.md").write_text(damaged)
    done = bench.run()
    assert done.returncode != 0
    assert "markers" in done.stderr
    assert bench.page == damaged


def test_part_of_a_run_leaves_the_page_alone(bench: Bench) -> None:
    bench.script("good_speed", GOOD)
    bench.script("other_speed", "raise SystemExit(3)")
    bench.goals('[elsewhere]\nmax = 1\nunit = "s"\nfrom = "another script"\n')
    done = bench.run("bench", "good", check="1")
    assert done.returncode == 0, done.stderr
    assert "| solve |" in done.stdout
    assert bench.page == ""


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("raise SystemExit(3)", "ended with code 3"),
        ("", "printed no figure"),
        ("print('warming up')", "not a JSON line"),
        ("print('[1]')", "name, value, unit"),
        ('print(\'{"name": "x", "value": 1}\')', "name, value, unit"),
        ('print(\'{"name": "x", "value": NaN, "unit": "s"}\')', "no finite number"),
        ('print(\'{"name": "x", "value": true, "unit": "s"}\')', "no finite number"),
        ('print(\'{"name": "x", "value": "1", "unit": "s"}\')', "no finite number"),
        ('print(\'{"name": "solve", "value": 1, "unit": "s"}\')', "solve is measured twice"),
    ],
)
def test_script_that_fails_fails_the_run_and_writes_no_page(bench: Bench, source: str, sentence: str) -> None:
    bench.script("bad_speed", source)
    bench.script("good_speed", GOOD)
    done = bench.run()
    assert done.returncode == 1
    assert sentence in done.stderr
    assert "| solve |" in done.stdout, "the others are measured all the same"
    assert bench.page == ""
    assert len(bench.kept()["failures"]) == 1


def test_nothing_to_run_is_a_failure(bench: Bench) -> None:
    done = bench.run()
    assert done.returncode == 1
    assert "nothing to run" in done.stderr


@pytest.mark.parametrize(
    ("goals", "sentence"),
    [
        (
            '[solve]\nmax = 1.0\nunit = "s"\nfrom = "the charter"\n',
            "missed: solve: 1.25 s, goal ≤ 1 (the charter)",
        ),
        ('[solve]\nmin = 2\nunit = "s"\nfrom = "x"\n', "missed: solve: 1.25 s, goal ≥ 2 (x)"),
        ('[solve]\nmax = 2\nunit = "ms"\nfrom = "x"\n', "missed: solve: measured in s, goal in ms"),
        ('[other]\nmax = 2\nunit = "s"\nfrom = "x"\n', "missed: other: not measured, goal ≤ 2 s (x)"),
    ],
)
def test_missed_goal_is_named_and_fails_when_checked(bench: Bench, goals: str, sentence: str) -> None:
    bench.script("good_speed", GOOD)
    bench.goals(goals)
    told = bench.run()
    assert told.returncode == 0
    assert sentence in told.stderr
    assert bench.run(check="1").returncode == 1


def test_goal_that_is_met_stands_in_the_table(bench: Bench) -> None:
    bench.script("good_speed", GOOD)
    bench.goals('[solve]\nmin = 1\nmax = 2\nunit = "s"\nfrom = "x"\n')
    assert bench.run(check="1").returncode == 0
    assert "| solve | 1.25 | s | ≥ 1 and ≤ 2 |" in bench.page


def test_mistaken_goal_is_refused(bench: Bench) -> None:
    bench.script("good_speed", GOOD)
    bench.goals('[solve]\nmaximum = 2\nunit = "s"\nfrom = "x"\n')
    done = bench.run()
    assert done.returncode != 0
    assert "goal solve" in done.stderr


def test_soak_runs_scripts_and_the_tests_marked_soak(bench: Bench) -> None:
    bench.script("long_proof", GOOD)
    bench.script("test_soak", SOAK_TESTS.format(outcome="True"))
    done = bench.run("soak")
    assert done.returncode == 0, done.stdout + done.stderr
    names = [figure["name"] for figure in bench.kept("soak")["figures"]]  # type: ignore[index]
    assert names == ["solve", "pixels", "test_endures", "test_endures.cycles", "test_other"]
    assert "soak: begin" in bench.page


def test_soak_test_that_fails_fails_the_run(bench: Bench) -> None:
    bench.script("test_soak", SOAK_TESTS.format(outcome="False"))
    done = bench.run("soak")
    assert done.returncode == 1
    assert "test_other: failed" in done.stderr
    assert bench.page == ""
