"""The scripts behind `make`: they do what is needed once, and say in one line what they cannot do."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

STAND_IN = """#!/bin/sh
[ "$1" = -c ] || echo "$@" >> "{log}"
"""


def _run(*command: str | Path, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=cwd,
        check=False,
        capture_output=True,
        text=True,
        env=os.environ | env,
        stdin=subprocess.DEVNULL,
    )


def _program(folder: Path, name: str, source: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(source)
    path.chmod(0o755)
    return path


def test_every_target_is_explained(checkout: Path) -> None:
    listed = _run("make", "-s", cwd=checkout).stdout
    (phony,) = re.findall(r"^\.PHONY: (.*)$", (checkout / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert re.findall(r"^  make (\w+)", listed, re.MULTILINE) == phony.split()


def test_python_that_fits_is_found(checkout: Path) -> None:
    done = _run(".ci/python", cwd=checkout, PYTHON="")
    assert done.returncode == 0, done.stderr
    found = _run(done.stdout.strip(), "-c", "import sys; print(sys.version_info >= (3, 11))", cwd=checkout)
    assert found.stdout == "True\n"


def test_old_python_is_refused_in_one_sentence(checkout: Path, tmp_path: Path) -> None:
    old = _program(tmp_path, "python3", '#!/bin/sh\n[ "$1" = --version ] && echo Python 3.9.2 || exit 1\n')
    done = _run(".ci/python", cwd=checkout, PYTHON=str(old))
    assert (done.returncode, done.stdout) == (1, "")
    assert len(done.stderr.splitlines()) == 1
    assert "3.11 or newer (Python 3.9.2 here)" in done.stderr


def test_installed_packages_need_no_word(checkout: Path, program: Any) -> None:
    program("dpkg-query")
    done = _run(".ci/packages", "coreutils", "bash", cwd=checkout)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_user_who_may_not_install_is_told_the_command(checkout: Path, tmp_path: Path, program: Any) -> None:
    program("dpkg-query")
    _program(tmp_path, "id", "#!/bin/sh\necho 1000\n")
    _program(tmp_path, "sudo", "#!/bin/sh\nexit 1\n")
    done = _run(
        ".ci/packages", "no-such-package", "bash", cwd=checkout, PATH=f"{tmp_path}:{os.environ['PATH']}"
    )
    assert done.returncode == 1
    assert len(done.stdout.splitlines()) == 1
    assert done.stdout.endswith("run: sudo apt-get install no-such-package\n")


@pytest.fixture
def copy(checkout: Path, tmp_path: Path) -> Path:
    """A tree with the scripts and an environment whose Python only notes how it was called."""
    tree = tmp_path / "tree"
    shutil.copytree(checkout / ".ci", tree / ".ci")
    for name in ("pyproject.toml", "constraints.txt"):
        shutil.copy(checkout / name, tree)
    _program(tree / ".venv" / "bin", "python", STAND_IN.format(log=tree / "log"))
    return tree


def _installs(tree: Path, which: str) -> list[str]:
    """What pip was asked for by this call of `.ci/environment`."""
    log = tree / "log"
    log.unlink(missing_ok=True)
    done = _run(".ci/environment", which, cwd=tree)
    assert done.returncode == 0, done.stderr
    return log.read_text().splitlines() if log.exists() else []


def test_environment_is_installed_once(copy: Path) -> None:
    (asked,) = _installs(copy, "base")
    assert asked.endswith("--editable . --constraint constraints.txt")
    assert _installs(copy, "base") == []


def test_environment_with_every_extra_serves_the_smaller_ones(copy: Path, pyproject: dict[str, Any]) -> None:
    (asked,) = _installs(copy, "all")
    (extras,) = re.findall(r"\.\[(.*)\]", asked)
    assert set(extras.split(",")) == set(pyproject["project"]["optional-dependencies"])
    assert _installs(copy, "dev") == []
    assert _installs(copy, "base") == []


def test_demo_environment_has_no_extra_and_does_not_serve_the_tests(copy: Path) -> None:
    (asked,) = _installs(copy, "base")
    assert "[" not in asked
    assert len(_installs(copy, "dev")) == 1


def test_changed_requirements_are_installed_again(copy: Path) -> None:
    _installs(copy, "dev")
    with (copy / "constraints.txt").open("a") as file:
        file.write("# changed\n")
    assert len(_installs(copy, "dev")) == 1


def test_moved_checkout_is_installed_again(copy: Path) -> None:
    _installs(copy, "dev")
    moved = copy.rename(copy.parent / "moved")
    _program(moved / ".venv" / "bin", "python", STAND_IN.format(log=moved / "log"))
    assert len(_installs(moved, "dev")) == 1


def test_failed_installation_leaves_no_stamp(copy: Path) -> None:
    _program(copy / ".venv" / "bin", "python", '#!/bin/sh\n[ "$1" = -c ]\n')
    assert _run(".ci/environment", "base", cwd=copy).returncode != 0
    _program(copy / ".venv" / "bin", "python", STAND_IN.format(log=copy / "log"))
    assert len(_installs(copy, "base")) == 1


def test_every_requirement_is_pinned_to_a_release_that_fits(
    checkout: Path, pyproject: dict[str, Any]
) -> None:
    text = (checkout / "constraints.txt").read_text("utf-8")
    pins: dict[str, list[str]] = {}
    for name, version in re.findall(r"^([\w.-]+)==([^\s;]+)", text, re.MULTILINE):
        pins.setdefault(canonicalize_name(name), []).append(version)
    project = pyproject["project"]
    lines = [
        *project["dependencies"],
        *(line for extra in project["optional-dependencies"].values() for line in extra),
    ]
    for requirement in map(Requirement, lines):
        versions = pins.get(canonicalize_name(requirement.name), [])
        assert versions, f"{requirement.name} has no pin; run `make lock`"
        assert all(requirement.specifier.contains(version) for version in versions), requirement
        assert not any("+" in version for version in versions), f"{requirement.name}: a build of one machine"
