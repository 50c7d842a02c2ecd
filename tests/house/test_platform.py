"""On a system that is not Linux the station says so in one sentence, before it imports anything heavy."""

import subprocess
import sys

from station.documents.fault import fault

# sysconfig reads a file named after the platform when first asked, so it is asked before the name changes
AS_ANOTHER_SYSTEM = """
import sys, sysconfig
sysconfig.get_config_vars()
sys.platform = "darwin"
sys.argv = ["station", "demo"]
from station.cli import main
main()
"""


def test_another_system_is_refused_in_one_sentence() -> None:
    done = subprocess.run(
        [sys.executable, "-c", AS_ANOTHER_SYSTEM], check=False, capture_output=True, text=True
    )
    assert done.returncode == fault("not_linux").exit_code
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    first, hint = done.stderr.strip().splitlines()
    assert "Linux" in first
    assert "darwin" in first
    assert fault("not_linux").next_step in hint
