"""Writes docs/protocol.md and the OpenRPC documents beside it from the methods that are really served.

.ci/protocol_reference.py [--check]
"""

import json
import sys
from pathlib import Path

from station.bus.method import table
from station.bus.openrpc import describe
from station.bus.reference import markdown
from station.daemon.reference import NOBODY, daemon_methods
from station.trainer.methods import trainer_methods

DOCS = Path(__file__).resolve().parent.parent / "docs"
BEGIN, END = "<!-- methods: begin -->", "<!-- methods: end -->"


def files() -> dict[Path, str]:
    """What the folder should hold."""
    daemon = describe(daemon_methods())
    trainer = describe(table(*trainer_methods(NOBODY, NOBODY)))
    page = (DOCS / "protocol.md").read_text("utf-8")
    head, _, rest = page.partition(BEGIN)
    _, _, tail = rest.partition(END)
    methods = f"{markdown(daemon, 'daemon')}\n{markdown(trainer, 'trainer')}"
    return {
        DOCS / "protocol.md": f"{head}{BEGIN}\n\n{methods}\n{END}{tail}",
        DOCS / "openrpc.json": json.dumps(daemon, indent=1, sort_keys=True) + "\n",
        DOCS / "openrpc-trainer.json": json.dumps(trainer, indent=1, sort_keys=True) + "\n",
    }


for path, text in files().items():
    if "--check" not in sys.argv:
        path.write_text(text, "utf-8")
    elif not path.exists() or path.read_text("utf-8") != text:
        sys.exit(f"{path.name} is out of date: run .ci/protocol_reference.py")
