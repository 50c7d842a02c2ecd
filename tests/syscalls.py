"""System calls of a process under strace, and what of its files was not durable when it said something."""

import re
from dataclasses import dataclass
from pathlib import Path

CALLS = "openat,mkdir,rename,renameat,renameat2,write,pwrite64,ftruncate,fsync,fdatasync,unlink,linkat,sendto"
SAYING = ("write", "sendto")
SYNCS = ("fsync", "fdatasync")
WRITES = ("write", "pwrite64", "ftruncate")


@dataclass(frozen=True)
class Call:
    """One finished system call: its name, the path it works on (for a rename both), and what it wrote."""

    name: str
    path: str
    target: str = ""
    text: str = ""
    creates: bool = False


def parse(trace: str) -> list[Call]:
    """Calls in the order in which they ended, failed ones left out; what is sent counts at its start."""
    begun: dict[str, str] = {}
    calls = []
    for line in trace.splitlines():
        pid, rest = line.split(maxsplit=1)
        if rest.endswith("<unfinished ...>"):
            begun[pid] = rest.removesuffix("<unfinished ...>")
            if rest.startswith("sendto"):
                calls.append(_sent(rest))
            continue
        if resumed := re.match(r"<\.\.\. \w+ resumed>", rest):
            rest = begun.pop(pid) + rest[resumed.end() :]
            if rest.startswith("sendto"):
                continue
        if call := _call(rest):
            calls.append(call)
    return calls


def _sent(line: str) -> Call:
    quoted = re.findall(r'"((?:[^"\\]|\\.)*)"', line)
    return Call("sendto", "", text=quoted[0] if quoted else "")


def _call(line: str) -> Call | None:
    if not (found := re.match(r"(\w+)\((.*)\)\s+= (\d+)", line)):
        return None
    name, arguments, _ = found.groups()
    quoted = re.findall(r'"((?:[^"\\]|\\.)*)"', arguments)
    if name == "sendto":
        return _sent(line)
    if name == "linkat":
        folder = re.findall(r"\d+<([^>]*)>", arguments)[-1]
        return Call(name, f"{folder}/{quoted[1]}", creates=True)
    if name in SYNCS or name in WRITES:
        path = re.match(r"\d+<([^>]*)>", arguments)
        return Call(name, path[1] if path else "", text=quoted[0] if quoted else "")
    if name.startswith("rename"):
        return Call("rename", quoted[0], quoted[1])
    return Call(name, quoted[0], creates=name == "mkdir" or "O_CREAT" in arguments)


def violations(calls: list[Call], root: Path, said: str) -> list[str]:
    """What was not yet durable under `root` when the process said so.

    Content is durable when a sync of its file follows the last write to it; a name when a sync of its
    folder follows. Everything in a folder that is renamed must be durable before.
    """
    unsynced: dict[str, str] = {}
    found = []
    for call in calls:
        if call.name in SAYING and not call.path.startswith(str(root)) and said in call.text:
            return [*found, *(f"{path}: {why} before {said}" for path, why in unsynced.items())]
        if call.name not in SYNCS and not call.path.startswith(str(root)):
            continue
        if call.name in WRITES:
            unsynced[call.path] = "content not synced"
        elif call.name in SYNCS:
            unsynced.pop(call.path, None)
            unsynced = {path: why for path, why in unsynced.items() if not _names_in(path, why, call.path)}
        elif call.name == "rename":
            inside = {
                path: why for path, why in unsynced.items() if f"{call.path}/" in path or path == call.path
            }
            found += [f"{path}: {why} before the rename" for path, why in inside.items()]
            unsynced = {path: why for path, why in unsynced.items() if call.path not in path}
            unsynced[f"name of {call.target}"] = "folder not synced"
        elif call.name == "unlink":
            unsynced = {path: why for path, why in unsynced.items() if call.path not in path}
        elif call.creates:
            unsynced[f"name of {call.path}"] = "folder not synced"
    return [*found, f"{said} was never said"]


def _names_in(entry: str, why: str, folder: str) -> bool:
    return why == "folder not synced" and str(Path(entry.removeprefix("name of ")).parent) == folder
