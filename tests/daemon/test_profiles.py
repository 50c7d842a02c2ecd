"""Which profile the daemon takes, and what it says of one that belongs to another board."""

from typing import TYPE_CHECKING

from station.calibrate.profile import load_profile
from station.calibrate.store import profiles_folder, save

if TYPE_CHECKING:
    from conftest import Bench


def keep(bench: "Bench", name: str, board_id: str = "twin") -> None:
    twin = load_profile("twin")
    document = twin.profile.replace(name=name, board_id=board_id)
    save(profiles_folder(bench.settings), document, {"flat": twin.flat})


def test_profiles_are_listed_taken_into_use_and_shown_and_the_daemon_scans_with_the_one_in_use(
    bench: "Bench",
) -> None:
    keep(bench, "mine")
    assert bench.run("profile", "use", "mine").stdout == "profile mine is in use\n"
    listed = {line[2:].split()[0]: line for line in bench.run("profile", "list").stdout.splitlines()}
    assert listed["mine"].startswith("* mine")
    assert listed["twin"].startswith("  twin")
    assert "profile   mine" in bench.run("profile", "show").stdout
    bench.start_daemon()
    with bench.client() as client:
        assert client.status().profile == "mine"
        keep(bench, "mine")
        assert "takes it at its next start" in bench.run("profile", "use", "mine-2").stdout
        scan_id, _ = bench.scan(client)
        result = client.scan_get(scan_id).result
        assert client.status().profile == "mine"
    assert result is not None
    assert result.profile == "mine"
    assert result.profile_sha256 == load_profile("mine", profiles_folder(bench.settings)).sha256
    missing = bench.run("profile", "use", "nothing")
    assert (missing.returncode, "no rig profile named nothing" in missing.stderr) == (2, True)


def test_a_profile_of_another_board_is_refused_at_the_start(bench: "Bench") -> None:
    keep(bench, "theirs", "ATmega328P")
    bench.run("profile", "use", "theirs")
    daemon = bench.start("daemon")
    assert daemon.wait(60) == 2
    bench.processes.remove(daemon)
    assert "made on the board ATmega328P, and this rig's is twin" in bench.output("daemon")
    tested = bench.run("rig", "selftest")
    assert tested.returncode == 2
    assert "made on the board ATmega328P, and this rig's is twin" in tested.stderr
