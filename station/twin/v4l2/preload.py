"""Building the library, and the environment that puts a process in front of the virtual device."""

import subprocess
from pathlib import Path

SHIM = Path(__file__).with_name("shim.c")


def build(folder: Path) -> Path:
    """Compile the library into a folder with the system's C compiler.

    Raises:
        FileNotFoundError: there is no `cc`.
        subprocess.CalledProcessError: it does not compile.
    """
    library = folder / "shim.so"
    flags = ["-O2", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared"]
    subprocess.run(["cc", *flags, "-o", str(library), str(SHIM), "-ldl", "-lpthread"], check=True)
    return library


def environment(library: Path, devices: dict[str, Path], by_id: Path | None = None) -> dict[str, str]:
    """What a process's environment needs in addition.

    Args:
        library: from `build`.
        devices: socket of the server behind each path, such as /dev/video42.
        by_id: folder whose links stand for those in /dev/v4l/by-id.
    """
    listed = ";".join(f"{path}={socket}" for path, socket in devices.items())
    named = {} if by_id is None else {"STATION_V4L2_BY_ID": str(by_id)}
    return {"LD_PRELOAD": str(library), "STATION_V4L2_DEVICES": listed, **named}
