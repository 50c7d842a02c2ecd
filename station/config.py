"""`station.toml`: every setting, its default and its check.

All mistakes are reported at once, each with its key and, for a misspelt one, the nearest that exists.
"""

import difflib
import os
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args

import platformdirs
from pydantic import BaseModel, Field, ValidationError, field_validator

from .documents.base import StrictDocument
from .documents.fault import StationError

APP = "scan-station"
LONGEST_SOCKET_PATH = 107  # sun_path of Linux, less its closing zero


def _data_folder() -> Path:
    return Path(platformdirs.user_data_dir(APP))


class StationSettings(StrictDocument):
    """Who this station is and where its data lies. An empty `data` is the XDG data folder."""

    name: str = Field(default="station", pattern=r"^[A-Za-z0-9_-]{1,32}$")
    data: Path = Field(default_factory=_data_folder)
    reserve_mb: int = Field(default=1_000, ge=0, description="no card is accepted below this much free disk")

    @field_validator("data")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().absolute()


class RigSettings(StrictDocument):
    """The board. `twin` is the simulated one."""

    port: str = "twin"
    baud: int = Field(default=250_000, gt=0)
    lease_ms: int = Field(default=1_500, ge=300, le=60_000)
    open_timeout_s: float = Field(default=2.5, gt=0)


class CameraSettings(StrictDocument):
    """The eye. `source` is `twin`, a device path, a number, a file or a stream address.

    `trigger` says whether the board's trigger wire makes the camera expose.
    """

    source: str = "twin"
    width_px: int = Field(default=0, ge=0, description="0: what the profile says")
    height_px: int = Field(default=0, ge=0, description="0: what the profile says")
    fourcc: str = Field(
        default="", description="four characters such as MJPG, GREY or Y16; empty: the driver's own"
    )
    silent_after_s: float = Field(default=10.0, gt=0)
    trigger: Literal["none", "wire"] = "none"

    @property
    def wired(self) -> bool:
        """Whether the board makes the camera expose."""
        return self.trigger == "wire"


class ScanSettings(StrictDocument):
    """How a card is scanned."""

    profile: str = Field(
        default="auto",
        description="name, path of a TOML, or auto: the one in use (`station profile use`); where none is, "
        "the twin's on a simulated rig, else the starting point ring-8",
    )
    exposure_us: int = Field(default=15_000, gt=0)
    gain: float = Field(default=1.0, gt=0)
    rectified_dpi: int = Field(default=600, ge=50, le=1200)
    attempts_per_light: int = Field(default=3, ge=1, le=50)
    max_on_ms: int = Field(default=2_000, ge=50, le=10_000)
    compute: Literal["at_once", "between_batches"] = Field(
        default="at_once", description="when a stored side gets its maps; scanning always comes first"
    )


Endpoint = Literal["control", "events", "preview", "intake", "trainer_control", "trainer_events"]


class BusSettings(StrictDocument):
    """ZeroMQ. Empty endpoints are `ipc://` sockets in `folder`, which is private to the user (mode 0700)."""

    folder: Path | None = None
    control: str = ""
    events: str = ""
    preview: str = ""
    intake: str = ""
    trainer_control: str = ""
    trainer_events: str = ""
    remote_control: str = Field(
        default="", description="served besides, such as tcp://0.0.0.0:5701; keys decide"
    )
    remote_events: str = ""
    remote_preview: str = ""

    def endpoint(self, which: Endpoint, data: Path) -> str:
        """The address of one socket.

        Raises:
            StationError: `endpoint_invalid`, the socket's path is longer than the system allows.
        """
        explicit: str = getattr(self, which)
        if explicit:
            return explicit
        path = (self.folder or data / "run") / which
        if len(os.fsencode(path)) > LONGEST_SOCKET_PATH:
            raise StationError(
                "endpoint_invalid",
                f"the socket path {path} has {len(os.fsencode(path))} characters, "
                f"{LONGEST_SOCKET_PATH} are allowed",
            )
        return f"ipc://{path}"


class TrainerSettings(StrictDocument):
    """The process that owns datasets, jobs and models.

    An empty `data` is `trainer` in the station's data folder.
    """

    data: Path | None = None


class BatchSettings(StrictDocument):
    """Hands-free scanning.

    `look_light_percent` is how bright the lights burn while nobody scans, so that the camera sees what
    happens.
    """

    look_light_percent: float = Field(default=25.0, gt=0, le=100)
    looks_per_s: float = Field(default=12.0, ge=2, le=30)
    still_s: float = Field(
        default=0.25, ge=0.05, le=5, description="so long must all be still before a scan begins"
    )
    retakes: int = Field(default=3, ge=0, le=20, description="of a scan that went wrong, while the card lies")
    sound: bool = True
    preview_quality: int = Field(default=70, ge=10, le=95, description="of the JPEG of the live picture")


class RetentionSettings(StrictDocument):
    """What may be removed by itself, oldest first, and never what was not delivered or is marked to be kept.

    All zeros, the default, remove nothing.
    """

    keep_days: float = Field(default=0, ge=0, description="sides older than this go")
    most_gb: float = Field(default=0, ge=0, description="as many as keep the archive below this")
    free_gb: float = Field(default=0, ge=0, description="as many as keep this much of the disk free")


class LogSettings(StrictDocument):
    """One JSON object a line in `logs/` of the data folder, in files that are replaced when they are full."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    file_mb: float = Field(default=10, gt=0, le=1_000)
    files: int = Field(default=5, ge=2, le=100)


class MetricsSettings(StrictDocument):
    """Prometheus text on 127.0.0.1; a port of 0, the default, serves none."""

    daemon_port: int = Field(default=0, ge=0, le=65_535)
    trainer_port: int = Field(default=0, ge=0, le=65_535)


class TwinSettings(StrictDocument):
    """The digital twin, used where `rig.port` or `camera.source` is `twin`."""

    seed: int = 1
    dpi: int = Field(default=600, ge=50, le=1200, description="what the camera samples at the card")
    bit_depth: Literal[8, 16] = 8
    board: Literal["software", "firmware"] = Field(
        default="software", description="firmware: the real one, in a simulator of its chip"
    )
    stale_frames: int = Field(default=0, ge=0, le=10, description="how far behind the driver's queue serves")
    rig_seed: int | None = Field(
        default=None, description="which of the rigs that somebody might have built; none: the standard one"
    )
    layout: Literal["ring", "two_rings"] = Field(
        default="ring", description="how the lights of such a rig stand"
    )
    gamma: float = Field(default=1.0, gt=0, le=4, description="codes grow with light to the power 1 / gamma")
    limited_range: bool = Field(default=False, description="codes from 16 to 235 only")
    sharpen: float = Field(default=0.0, ge=0, le=5, description="strength of the camera's unsharp mask")
    denoise: float = Field(default=0.0, ge=0, le=5, description="sigma in pixels of the camera's smoothing")
    mirrored: bool = Field(default=False, description="whether the camera exchanges left and right")
    mains_hz: Literal[0, 50, 60] = Field(default=0, description="0: the room's light does not flicker")
    mains_depth: float = Field(
        default=0.0, ge=0, le=1, description="of the flicker, as a share of that light"
    )
    served: bool = Field(
        default=False,
        description="whether frames are taken from memory where `twin.prepare` has rendered them",
    )
    served_mb: int = Field(
        default=2_000, ge=1, description="how much of it at most; a side takes 160 at 600 dpi and 8 bit"
    )


class Settings(StrictDocument):
    """The whole of `station.toml`."""

    station: StationSettings = StationSettings()
    rig: RigSettings = RigSettings()
    camera: CameraSettings = CameraSettings()
    scan: ScanSettings = ScanSettings()
    bus: BusSettings = BusSettings()
    trainer: TrainerSettings = TrainerSettings()
    batch: BatchSettings = BatchSettings()
    retention: RetentionSettings = RetentionSettings()
    log: LogSettings = LogSettings()
    metrics: MetricsSettings = MetricsSettings()
    twin: TwinSettings = TwinSettings()

    @property
    def trainer_data(self) -> Path:
        """The trainer's own folder."""
        return self.trainer.data or self.station.data / "trainer"

    @property
    def simulated(self) -> bool:
        """Whether any device is the twin's."""
        return "twin" in (self.rig.port, self.camera.source)

    def endpoint(self, which: Endpoint) -> str:
        """The address of one socket, see `BusSettings.endpoint`."""
        return self.bus.endpoint(which, self.station.data)


def default_path() -> Path:
    """Where `station.toml` is looked for when none is named: `$STATION_CONFIG`, then the XDG folder."""
    named = os.environ.get("STATION_CONFIG")
    return Path(named) if named else Path(platformdirs.user_config_dir(APP)) / "station.toml"


def load(path: Path | None = None) -> Settings:
    """Read and check a configuration file; a missing default file means all defaults.

    Raises:
        StationError: `config_invalid`, with one line for each mistake.
    """
    chosen = path or default_path()
    if not chosen.exists():
        if path is None and "STATION_CONFIG" not in os.environ:
            return Settings()
        raise StationError("config_invalid", f"{chosen}: no such file")
    try:
        tree = tomllib.loads(chosen.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise StationError("config_invalid", f"{chosen}: {error}") from error
    try:
        return Settings.model_validate(tree)
    except ValidationError as error:
        lines = "\n".join(f"  {line}" for line in _mistakes(error))
        raise StationError(
            "config_invalid",
            f"{chosen}: {error.error_count()} mistakes\n{lines}".replace(" 1 mistakes", " 1 mistake"),
        ) from error


def _mistakes(error: ValidationError) -> Iterator[str]:
    for item in error.errors():
        key = ".".join(str(part) for part in item["loc"])
        if item["type"] == "extra_forbidden":
            yield f"{key}: unknown key{_suggestion(item['loc'])}"
        else:
            yield f"{key}: {item['msg'][0].lower()}{item['msg'][1:]} (found {item['input']!r})"


def _suggestion(location: tuple[int | str, ...]) -> str:
    known = _keys_beside(location)
    near = difflib.get_close_matches(str(location[-1]), known, n=1)
    return f"; did you mean `{near[0]}`?" if near else f"; known here: {', '.join(known)}"


def _keys_beside(location: tuple[int | str, ...]) -> list[str]:
    model: type[BaseModel] = Settings
    for part in location[:-1]:
        annotation: Any = model.model_fields[str(part)].annotation
        model = next(
            (
                a
                for a in (annotation, *get_args(annotation))
                if isinstance(a, type) and issubclass(a, BaseModel)
            ),
            model,
        )
    return list(model.model_fields)


def as_toml(settings: Settings) -> str:
    """All settings as TOML, ready to be saved as `station.toml`."""
    lines: list[str] = []
    for section, values in settings.model_dump(mode="json").items():
        lines.append(f"[{section}]")
        lines += [f"{key} = {_toml_value(value)}" for key, value in values.items() if value is not None]
        lines.append("")
    return "\n".join(lines)


def _toml_value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    return str(value)
