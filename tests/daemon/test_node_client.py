"""The client in another language: stock Node.js and the stock package zeromq, against a real daemon."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from station.archive.results import latest_result

if TYPE_CHECKING:
    from conftest import Bench

SOURCES = Path(__file__).parents[2] / "docs" / "clients" / "node"


@pytest.fixture(scope="module")
def node_client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The client with its one dependency, as its README says: `npm install`."""
    folder = tmp_path_factory.mktemp("node") / "client"
    shutil.copytree(SOURCES, folder, ignore=shutil.ignore_patterns("node_modules"))
    if shutil.which("npm") is None:
        sentence = "npm is missing, so the client in another language was not tried"
        pytest.fail(sentence) if os.environ.get("CI") == "true" else pytest.skip(sentence)
    command = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def run(client: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["node", *words], cwd=client, capture_output=True, text=True, timeout=120, check=False
    )


def test_it_scans_a_card_follows_the_events_and_fetches_the_maps(
    bench: "Bench", node_client: Path, tmp_path: Path, free_port: Callable[[], int]
) -> None:
    remote = {name: f"tcp://127.0.0.1:{free_port()}" for name in ("remote_control", "remote_events")}
    bench.configure(bus=remote)
    added = bench.run("keys", "add", "tablet", "--out", str(tmp_path / "key.json"))
    assert added.returncode == 0, added.stderr
    bench.start_daemon()
    local = [bench.settings.endpoint("control"), bench.settings.endpoint("events")]
    near = run(
        node_client, "scan.mjs", "--control", local[0], "--events", local[1], "--out", str(tmp_path / "near")
    )
    far = run(
        node_client, "scan.mjs", "--control", remote["remote_control"], "--events", remote["remote_events"],
        "--key", str(tmp_path / "key.json"), "--out", str(tmp_path / "far"),
    )  # fmt: skip
    with bench.client() as client:
        scans = {scan.id: scan for scan in client.scan_list()}
    for done, folder in ((near, tmp_path / "near"), (far, tmp_path / "far")):
        assert done.returncode == 0, done.stderr
        assert [
            line.split()[1] for line in done.stdout.splitlines() if line.endswith(("captured", "processed"))
        ]
        assert "scan.captured" in done.stdout
        scan = scans[done.stdout.split()[-2]]
        result = latest_result(Path(scan.folder))
        assert result is not None
        for artifact in result.manifest.artifacts:
            fetched = (folder / artifact.file).read_bytes()
            assert fetched == (result.folder / artifact.file).read_bytes()


def test_it_says_what_the_station_says(bench: "Bench", node_client: Path, tmp_path: Path) -> None:
    bench.start_daemon()
    control, events = bench.settings.endpoint("control"), bench.settings.endpoint("events")
    (node_client / "refused.mjs").write_text(
        "import { Station } from './station.mjs';\n"
        f"const station = new Station({{ control: {json.dumps(control)}, events: {json.dumps(events)} }});\n"
        "try { await station.call('scan.get', { id: 'nothing' }); }\n"
        "catch (error) { console.log(JSON.stringify([error.name, error.message, error.hint])); }\n"
        "station.close();\n"
    )
    done = run(node_client, "refused.mjs")
    name, message, hint = json.loads(done.stdout)
    assert (name, message) == ("not_found", "there is no scan nothing")
    assert hint
