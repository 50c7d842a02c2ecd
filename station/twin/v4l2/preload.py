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


def environment(library: Path, device: str, socket: Path) -> dict[str, str]:
    """What a process's environment needs in addition."""
    return {
        "LD_PRELOAD": str(library),
        "STATION_V4L2_DEVICE": device,
        "STATION_V4L2_SOCKET": str(socket),
    }
