"""What starts at every key press must start fast: no interface drags in the numerical libraries.

The floors of the house are import-linter's contracts and run in `make check`; these look at a living process,
and at whether what is imported is also asked for.
"""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

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


def _imported(source: str) -> Iterator[str]:
    """The packages that a module imports, anywhere in it; its own room and the standard library left out."""
    for node in ast.walk(ast.parse(source)):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [str(node.module)]
        for name in names:
            root = name.partition(".")[0]
            if root not in sys.stdlib_module_names and root != "station":
                yield root


def test_what_is_imported_is_asked_for(
    sources: list[Path], pyproject: dict[str, Any], checkout: Path
) -> None:
    """Not only by a library that happens to need it, too, and may stop to."""
    project = pyproject["project"]
    lines = chain(project["dependencies"], *project["optional-dependencies"].values())
    asked = {canonicalize_name(Requirement(line).name) for line in lines}
    providers = packages_distributions()
    missing = {
        f"{path.relative_to(checkout)}: {package}"
        for path in sources
        for package in _imported(path.read_text("utf-8"))
        if not asked & {canonicalize_name(name) for name in providers.get(package, [package])}
    }
    assert missing == set()


def test_an_import_is_seen_wherever_it_is() -> None:
    source = "import json\nfrom . import x\nfrom scipy.fft import dct\ndef f():\n    import numpy as np"
    assert set(_imported(source)) == {"scipy", "numpy"}
