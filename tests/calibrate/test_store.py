"""The user's profiles: never overwritten, whole or not there, and one of them in use."""

import errno
import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from station.calibrate import store
from station.calibrate.profile import load_profile
from station.config import Settings
from station.documents.fault import StationError
from station.documents.profile import RigProfile
from station.share import durable

TWIN = load_profile("twin")
SAVER = """
import sys
from pathlib import Path
from station.calibrate.profile import load_profile
from station.calibrate.store import save
twin = load_profile("twin")
small = {"flat": twin.flat[:, :2, :2]}
print("ready", flush=True)
sys.stdin.readline()
for _ in range(8):
    print(save(Path(sys.argv[1]), twin.profile.replace(name="mine"), small))
"""


def named(name: str, note: str = "") -> RigProfile:
    return TWIN.profile.replace(name=name, note=note)


def arrays(level: float = 1.0) -> dict[str, Any]:
    return {"flat": TWIN.flat[:, :3, :3] * np.float32(level)}


def settings_of(data: Path, **sections: dict[str, Any]) -> Settings:
    return Settings.model_validate({"station": {"data": data}, **sections})


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_what_is_saved_is_what_is_read(tmp_path: Path) -> None:
    path = store.save(tmp_path / "profiles", named("mine", "by the window"), arrays())
    loaded = load_profile("mine", tmp_path / "profiles")
    assert loaded.path == path
    assert loaded.profile.note == "by the window"
    assert loaded.profile.lights == TWIN.profile.lights
    np.testing.assert_array_equal(loaded.flat, arrays()["flat"])
    array = path.with_suffix(".npz").read_bytes()
    assert loaded.profile.flat_field.sha256 == hashlib.sha256(array).hexdigest()
    assert loaded.sha256 == hashlib.sha256(path.read_bytes() + array).hexdigest()


def test_a_taken_name_gets_a_number_and_the_profile_in_use_keeps_every_byte(tmp_path: Path) -> None:
    store.save(tmp_path, named("mine"), arrays())
    store.adopt(tmp_path, "mine")
    before = content(tmp_path)
    made = [store.save(tmp_path, named("mine"), arrays(level)) for level in (1.1, 1.2)]
    assert [path.stem for path in made] == ["mine-2", "mine-3"]
    assert [load_profile(path.stem, tmp_path).profile.name for path in made] == ["mine-2", "mine-3"]
    after = content(tmp_path)
    assert {name: after[name] for name in before} == before
    assert store.adopted(tmp_path) == "mine"


def test_a_shipped_profile_keeps_its_name(tmp_path: Path) -> None:
    assert store.save(tmp_path, named("twin"), arrays()).stem == "twin-2"


def test_two_processes_never_take_the_same_name(tmp_path: Path) -> None:
    command = [sys.executable, "-c", SAVER, str(tmp_path)]
    savers = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    for saver in savers:
        assert saver.stdout is not None
        assert saver.stdout.readline() == "ready\n"
    for saver in savers:
        assert saver.stdin is not None
        saver.stdin.write("\n")
        saver.stdin.flush()
    made = [Path(line) for saver in savers for line in saver.communicate()[0].split()]
    assert len(made) == len(set(made)) == 16
    assert all(load_profile(path.stem, tmp_path).profile.name == path.stem for path in made)


@pytest.mark.parametrize("place", [0, 1])
def test_a_full_disk_leaves_no_profile_and_no_rubbish(
    place: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`place`: of the write that fails, the array file's or the TOML's."""
    store.save(tmp_path, named("mine"), arrays())
    before = content(tmp_path)
    real, calls = durable.write_file, []

    def failing(path: Path, data: bytes) -> None:
        calls.append(path)
        if len(calls) > place:
            raise OSError(errno.ENOSPC, "no space")
        real(path, data)

    monkeypatch.setattr(durable, "write_file", failing)
    with pytest.raises(StationError) as refused:
        store.save(tmp_path, named("mine"), arrays())
    assert refused.value.code == "disk_full"
    assert content(tmp_path) == before


def test_a_name_that_a_power_cut_left_half_taken_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.npz").touch()
    assert store.save(tmp_path, named("mine"), arrays()).stem == "mine-2"
    settings = settings_of(tmp_path)
    assert all(not entry.fault for entry in store.listing(settings))


@pytest.mark.parametrize("name", ["", "../mine", "auto", "adopted", ".mine", "a" * 65])
def test_a_name_that_cannot_be_a_file_s_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(StationError, match="cannot be named"):
        store.save(tmp_path, named(name), arrays())
    assert not any(tmp_path.iterdir())


def test_arrays_that_do_not_fit_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(StationError, match="not a flat field"):
        store.save(tmp_path, named("mine"), {"flat": TWIN.flat[:4]})
    assert not any(tmp_path.iterdir())


def test_auto_is_the_adopted_profile_then_the_twin_s_then_the_starting_point(tmp_path: Path) -> None:
    simulated = settings_of(tmp_path)
    assert simulated.scan.profile == "auto"
    assert store.profile_in_use(simulated).sha256 == TWIN.sha256
    real = settings_of(tmp_path, rig={"port": "auto"}, camera={"source": "0"})
    assert not store.profile_in_use(real).profile.measured
    drawn = settings_of(tmp_path, twin={"rig_seed": 3, "layout": "two_rings"})
    assert [store.profile_in_use(one).profile.name for one in (real, drawn)] == ["ring-8", "rings-4-4"]
    folder = store.profiles_folder(simulated)
    store.save(folder, named("mine"), arrays())
    store.adopt(folder, "mine")
    for settings in (simulated, real):
        assert store.profile_in_use(settings).profile.name == "mine"
    named_by_hand = settings_of(tmp_path, scan={"profile": "twin"})
    assert store.profile_in_use(named_by_hand).profile.name == "twin"


def test_what_cannot_be_used_is_not_adopted(tmp_path: Path) -> None:
    store.save(tmp_path, named("mine"), arrays())
    store.adopt(tmp_path, "mine")
    damaged = store.save(tmp_path, named("damaged"), arrays())
    damaged.with_suffix(".npz").write_bytes(b"rubbish")
    for name in ("damaged", "missing", "../mine", "mine.toml"):
        with pytest.raises(StationError) as refused:
            store.adopt(tmp_path, name)
        assert refused.value.code == "profile_invalid"
    assert store.adopted(tmp_path) == "mine"


def test_an_adopted_profile_that_is_gone_is_said_and_not_replaced_by_another(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    folder = store.profiles_folder(settings)
    path = store.save(folder, named("mine"), arrays())
    store.adopt(folder, "mine")
    path.unlink()
    with pytest.raises(StationError, match="no rig profile named mine"):
        store.profile_in_use(settings)
    assert not any(entry.in_use for entry in store.listing(settings))


def test_the_list_marks_the_one_in_use_and_names_what_is_damaged(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    folder = store.profiles_folder(settings)
    assert [entry.name for entry in store.listing(settings) if entry.in_use] == ["twin"]
    store.save(folder, named("mine"), arrays())
    store.save(folder, named("other"), arrays()).write_text("rubbish")
    store.adopt(folder, "mine")
    found = {entry.name: entry for entry in store.listing(settings)}
    assert [entry.name for entry in found.values() if entry.in_use] == ["mine"]
    assert "not a TOML file" in found["other"].fault
    assert found["twin"].shipped
    assert not found["mine"].shipped


def test_a_profile_of_another_board_is_refused() -> None:
    twin = TWIN.profile
    store.require_own(twin, "software board", simulated=True)
    store.require_own(twin.replace(board_id=""), "ATmega328P", simulated=False)
    store.require_own(twin.replace(board_id="ATmega328P"), "ATmega328P", simulated=False)
    with pytest.raises(StationError, match="made on the board twin, and this rig's is ATmega328P"):
        store.require_own(twin, "ATmega328P", simulated=False)
    with pytest.raises(StationError, match="made on the board ATmega328P, and this rig's is twin"):
        store.require_own(twin.replace(board_id="ATmega328P"), "ATmega328P", simulated=True)
