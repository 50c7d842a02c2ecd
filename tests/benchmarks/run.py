"""`make bench` and `make soak`: run the scripts of a folder, keep their figures, hold them against the goals.

A script has a `main()` that prints one JSON line for each figure. A run of all scripts writes its section of
docs/figures.md; a run of some prints only. With CHECK=1 a missed goal fails the run.
"""

import argparse
import datetime as dt
import json
import os
import shutil
import subprocess
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path

import pytest
from figures import Figure, FigureError, Goal, load_goals, machine, misses, read_line, table, with_section

ROOT = Path(__file__).resolve().parents[2]
NOT_SCRIPTS = {"run.py", "figures.py", "conftest.py"}
FOLDERS = {"bench": ROOT / "tests" / "benchmarks", "soak": ROOT / "tests" / "soak"}


@dataclass
class Outcome:
    """What a run brought: figures, and one sentence for each thing that failed."""

    figures: list[Figure] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


def scripts_in(folder: Path, names: list[str]) -> list[Path]:
    """The scripts to run, all or those whose name contains one of the words."""
    found = (path for path in sorted(folder.glob("*.py")) if path.name not in NOT_SCRIPTS)
    chosen = [path for path in found if not path.name.startswith(("_", "test_"))]
    return [path for path in chosen if not names or any(name in path.stem for name in names)]


def run_script(path: Path) -> list[Figure]:
    """Run one script in a process of its own; its errors go straight to the terminal.

    Raises:
        FigureError: it failed, printed something else than figures, or printed none.
    """
    done = subprocess.run(
        [sys.executable, path],
        cwd=ROOT,
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    if done.returncode != 0:
        raise FigureError(f"{path.stem}: ended with code {done.returncode}")
    figures = [read_line(line, path.stem) for line in done.stdout.splitlines() if line.strip()]
    if not figures:
        raise FigureError(f"{path.stem}: printed no figure")
    return figures


def run_scripts(paths: list[Path]) -> Outcome:
    """All scripts one after the other; one that fails does not keep the others from running."""
    outcome = Outcome()
    for number, path in enumerate(paths, 1):
        print(f"[{number}/{len(paths)}] {path.stem}", file=sys.stderr, flush=True)
        try:
            figures = run_script(path)
        except FigureError as error:
            outcome.failures.append(str(error))
            continue
        known = {figure.name for figure in outcome.figures}
        outcome.failures += [
            f"{path.stem}: {figure.name} is measured twice" for figure in figures if figure.name in known
        ]
        outcome.figures += figures
    return outcome


class SoakReports:
    """A pytest plugin that turns soak tests into figures: how long each took, and what it recorded.

    A test hands over a figure with `record_property("name", [value, "unit"])`.
    """

    def __init__(self) -> None:
        self.outcome = Outcome()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Called by pytest after each phase of each test."""
        name = report.nodeid.rpartition("::")[2]
        if report.outcome != "passed":
            self.outcome.failures.append(f"{report.nodeid}: {report.outcome}")
        elif report.when == "call":
            self.outcome.figures.append(Figure(name, report.duration, "s", "passed; duration", "pytest"))
            for key, (value, unit) in report.user_properties:
                self.outcome.figures.append(Figure(f"{name}.{key}", float(value), str(unit), "", "pytest"))


def run_soak_tests(arguments: list[str]) -> Outcome:
    """The tests marked soak, at full size."""
    os.environ["STATION_SOAK"] = "1"
    reports = SoakReports()
    code = pytest.main(["-m", "soak", "--rootdir", str(ROOT), *arguments], plugins=[reports])
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED):
        reports.outcome.failures.append(f"pytest ended with code {int(code)}")
    return reports.outcome


def _version() -> str:
    git = shutil.which("git")
    if git is None:
        return "an unknown commit"
    command = [git, "-c", f"safe.directory={ROOT}", "-C", ROOT, "describe", "--always", "--dirty"]
    return subprocess.run(command, check=False, capture_output=True, text=True).stdout.strip() or "no commit"


def heading(started: dt.datetime) -> str:
    """When, where and on what the figures were measured."""
    load = f"load before the run {os.getloadavg()[0]:.1f}"
    return f"Measured {started:%Y-%m-%d %H:%M} UTC at {_version()} on {machine()}; {load}."


def report(
    section: str, head: str, outcome: Outcome, goals: dict[str, Goal], out: Path, page: Path | None
) -> None:
    """Keep the run as JSON, print it, and write the page's section if one is given."""
    body = f"{head}\n\n{table(outcome.figures, goals)}"
    print(body)
    out.mkdir(parents=True, exist_ok=True)
    kept = {
        "measured": head,
        "figures": [asdict(figure) for figure in outcome.figures],
        "failures": outcome.failures,
    }
    (out / f"{section}.json").write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", "utf-8")
    if page is not None:
        page.parent.mkdir(parents=True, exist_ok=True)
        old = page.read_text("utf-8") if page.exists() else "# Figures\n"
        page.write_text(with_section(old, section, body), "utf-8")


def main(argv: list[str] | None = None) -> int:
    """Run and report; 1 if anything failed or, with CHECK=1, missed its goal."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("section", choices=sorted(FOLDERS))
    parser.add_argument("names", nargs="*", help="parts of script names; none: all, and the page is written")
    parser.add_argument("--folder", type=Path, help="where the scripts and goals.toml lie")
    parser.add_argument("--page", type=Path, default=ROOT / "docs" / "figures.md")
    parser.add_argument("--out", type=Path, default=ROOT / "out")
    parser.add_argument(
        "--tests", type=Path, default=ROOT / "tests", help="where soak looks for tests marked so"
    )
    arguments = parser.parse_args(argv)

    folder = arguments.folder or FOLDERS[arguments.section]
    goals = load_goals(folder / "goals.toml")
    paths = scripts_in(folder, arguments.names)
    head = heading(dt.datetime.now(dt.UTC))
    outcome = run_scripts(paths)
    if arguments.section == "soak" and not arguments.names:
        tests = run_soak_tests([str(arguments.tests)])
        outcome.figures += tests.figures
        outcome.failures += tests.failures
    if not outcome.figures and not outcome.failures:
        outcome.failures.append(f"nothing to run in {folder}")

    whole = not arguments.names and not outcome.failures
    report(arguments.section, head, outcome, goals, arguments.out, arguments.page if whole else None)
    measured = {figure.name for figure in outcome.figures}
    asked = goals if not arguments.names else {name: goal for name, goal in goals.items() if name in measured}
    missed = misses(outcome.figures, asked)
    for sentence in [f"failed: {text}" for text in outcome.failures] + [f"missed: {text}" for text in missed]:
        print(sentence, file=sys.stderr)
    return int(bool(outcome.failures) or (bool(missed) and os.environ.get("CHECK") == "1"))


if __name__ == "__main__":
    sys.exit(main())
