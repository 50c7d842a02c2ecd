"""What starts at every key press must start fast: no interface drags in the numerical libraries.

The floors of the house are import-linter's contracts and run in `make check`; these look at a living process.
"""

import json
import subprocess
import sys

import pytest

HEAVY = {
    "cv2",
    "imagecodecs",
    "numba",
    "numpy",
    "ray",
    "scipy",
    "sqlalchemy",
    "tifffile",
    "torch",
    "ultralytics",
}


def _roots_after(statement: str) -> set[str]:
    code = (
        f"import json, sys\n{statement}\nprint(json.dumps([name.partition('.')[0] for name in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return set(json.loads(done.stdout))


@pytest.mark.parametrize(
    "module", ["station.config", "station.documents", "station.client", "station.cli.app"]
)
def test_interfaces_load_no_heavy_library(module: str) -> None:
    assert _roots_after(f"import {module}") & HEAVY == set()


def test_the_look_itself_sees_a_heavy_library() -> None:
    assert "numpy" in _roots_after("import station.photometric, numpy")


def test_scanning_needs_no_training_library() -> None:
    assert _roots_after("import station.daemon") & {"torch", "ultralytics", "ray"} == set()


def test_help_loads_no_heavy_library() -> None:
    code = (
        "import sys\nsys.argv = ['station', '--help']\nfrom station.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print('\\n', [name for name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert "Usage" in done.stdout
    loaded = {name.strip("[]' \n").partition(".")[0] for name in done.stderr.split(",")}
    assert "typer" in loaded
    assert loaded & HEAVY == set()
