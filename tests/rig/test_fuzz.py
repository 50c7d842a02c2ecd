"""The firmware's core under libFuzzer: no bytes, times or events make it break the laws of the protocol."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

SOAK = os.environ.get("STATION_SOAK") == "1"
pytestmark = (
    [pytest.mark.soak, pytest.mark.timeout(1_800)] if SOAK else []
)  # small in the suite, the same at full size in the soak
FIRMWARE = Path(__file__).parents[2] / "firmware"
TARGETS = ["frame", "session"]
LONGEST = {"frame": 160, "session": 120}  # bytes of an input
RUNS = {"frame": 50_000, "session": 4_000}
SOAK_S = {"frame": 90, "session": 510}  # ten minutes in all
BOUND_S = 300.0  # far beyond what a run by number takes
ENVIRONMENT = {**os.environ, "ASAN_OPTIONS": "symbolize=0", "UBSAN_OPTIONS": "symbolize=0"}


@dataclass(frozen=True)
class Outcome:
    """What a fuzzer said."""

    code: int
    text: str

    def figure(self, name: str) -> int:
        """A number of its own, as it stood at the end."""
        found = re.findall(rf"{name}:\s+(\d+)", self.text)
        assert found, self.text
        return int(found[-1])


@dataclass(frozen=True)
class Fuzzers:
    """Fuzzers, built where they are asked for, and the inputs to begin with."""

    build: Path
    seeds: Path

    def make(self, name: str) -> None:
        """Build one, which is `frame`, `session`, or one with a planted defect."""
        goal = self.build / "fuzz" / name
        make = ["make", "-s", "-j2", "-C", str(FIRMWARE), f"BUILD={self.build}", str(goal)]
        done = subprocess.run(make, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert done.stderr == "", "the compiler warned"

    def known(self, target: str) -> list[Path]:
        """Folders of inputs: those written down, and those found."""
        return [self.seeds / target, FIRMWARE / "fuzz" / "corpus" / target]

    def run(self, name: str, folder: Path, inputs: list[Path], *options: str) -> Outcome:
        """Run one; new inputs and whatever broke a law are left in the folder."""
        found = folder / "found"
        found.mkdir()
        fixed = [f"-artifact_prefix={folder}/", "-print_final_stats=1", "-detect_leaks=0"]
        limit = f"-max_len={LONGEST[name.partition('-')[0]]}"
        done = subprocess.run(
            [str(self.build / "fuzz" / name), *fixed, limit, *options, str(found), *map(str, inputs)],
            env=ENVIRONMENT,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=BOUND_S + max(SOAK_S.values()),
            check=False,
        )
        return Outcome(done.returncode, done.stderr)


@pytest.fixture(scope="module")
def fuzzers(program: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Fuzzers:
    for tool in ("clang", "make"):
        program(tool)
    folder = tmp_path_factory.mktemp("fuzz")
    subprocess.run([sys.executable, FIRMWARE / "fuzz" / "seeds.py", folder / "seeds"], check=True)
    return Fuzzers(folder / "build", folder / "seeds")


@pytest.mark.parametrize("target", TARGETS)
def test_what_is_known_breaks_no_law(fuzzers: Fuzzers, tmp_path: Path, target: str) -> None:
    fuzzers.make(target)
    files = [path for folder in fuzzers.known(target) for path in folder.iterdir()]
    assert all(path.stat().st_size <= LONGEST[target] for path in files), "small enough to be read"
    outcome = fuzzers.run(target, tmp_path, fuzzers.known(target), "-runs=0")
    assert outcome.code == 0, outcome.text
    assert outcome.figure("stat::number_of_executed_units") >= len(files)


@pytest.mark.parametrize("target", TARGETS)
def test_a_search_finds_nothing(
    fuzzers: Fuzzers, tmp_path: Path, target: str, record_property: Callable[[str, object], None]
) -> None:
    fuzzers.make(target)
    bound = f"-max_total_time={SOAK_S[target]}" if SOAK else f"-runs={RUNS[target]}"
    outcome = fuzzers.run(target, tmp_path, fuzzers.known(target), bound, "-seed=1")
    assert outcome.code == 0, outcome.text
    executions = outcome.figure("stat::number_of_executed_units")
    assert executions >= RUNS[target]
    record_property("executions", [executions, "inputs"])
    record_property("features", [outcome.figure(" ft"), "features"])
    record_property("edges", [outcome.figure(" cov"), "edges"])
    crashes = [path for path in tmp_path.iterdir() if path.is_file()]
    assert crashes == [], "what breaks a law is left as a file"
    record_property("crashes", [len(crashes), "crashes"])


PLANTED = {
    "frame-planted-cobs": ([], "AddressSanitizer"),
    "frame-planted-frame": ([], "a damaged frame was taken"),
    "session-planted-lights": (["lights_dimmed"], "no light burns beyond its time"),
    "session-planted-board": (["light_until_its_time"], "no light burns beyond the host lease"),
    "session-planted-heat": (["too_hot"], "no light burns when it is too hot"),
    "session-planted-programme": (
        ["programme_refused"],
        "an armed programme keeps its gaps within the limits",
    ),
    "session-planted-indicator": (
        ["indicated_and_gone"],
        "the indicator shows nothing of a host that is gone",
    ),
    "session-planted-events": (["reports_unheard"], "no step begins that could not be reported"),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_defect_is_found(fuzzers: Fuzzers, tmp_path: Path, name: str) -> None:
    """Those of the frame reader from nothing, the others from one innocent script or a telling one."""
    seeds, law = PLANTED[name]
    fuzzers.make(name)
    begin = tmp_path / "begin"
    begin.mkdir()
    for seed in seeds:
        (begin / seed).write_bytes((fuzzers.seeds / "session" / seed).read_bytes())
    outcome = fuzzers.run(name, tmp_path, [begin], "-runs=100000", "-seed=1")
    assert outcome.code != 0, f"100000 inputs, and no law was broken: {outcome.text[-500:]}"
    assert law in outcome.text
    assert list(tmp_path.glob("crash-*")), "the input is left to be looked at"
