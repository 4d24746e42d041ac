#!/usr/bin/env python3
"""Checks that the rooms of cps-core/src use only rooms on floors below their own: see ARCHITECTURE.md.

    rooms.py <src> [--graph]
"""
import re
import sys
from collections import defaultdict
from pathlib import Path

FLOORS = [
    ["sync", "borrowed_waker", "stack", "pack"],
    ["wake_set", "suspend"],
    ["chain"],
    ["backtrace", "frame"],
    ["call"],
    ["placement", "prefetch", "concurrent"],
    ["coroutine"],
    ["generator", "interleave", "task_local", "tracked"],
    ["lib", "prelude", "__private"],
]
FLOOR = {room: number for number, rooms in enumerate(FLOORS, 1) for room in rooms}
# What the root re-exports, by room: a use of `crate::Name` is a use of the room that has it.
# What a macro names is a use of where it is called: `$crate`.
USE = re.compile(r"(?<!\$)\bcrate::(\w+)(?:::(\w+))?")


def exported(source):
    rooms = {}
    for room, listed in re.findall(r"^pub use (\w+)::(?:\w+::)*(\{[^}]*\}|\w+)", source, re.M):
        for name in re.findall(r"\w+", listed):
            if room in FLOOR:
                rooms[name] = room
    return rooms


def main():
    src = Path(sys.argv[1])
    names = exported((src / "lib.rs").read_text())
    uses = defaultdict(set)
    for path in sorted(src.rglob("*.rs")):
        room = path.relative_to(src).parts[0].removesuffix(".rs")
        if path.stem == "tests":
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if line.lstrip().startswith("//"):
                continue
            for match in USE.finditer(line):
                used = match[1] if match[1] in FLOOR else names.get(match[1])
                if used and used != room:
                    uses[room, used].add(f"{path}:{number}")
            if re.search(r"\buse crate::\{", line):
                for name in re.findall(r"\w+", line):
                    if name in names and names[name] != room:
                        uses[room, names[name]].add(f"{path}:{number}")
    if "--graph" in sys.argv:
        for (room, used), places in sorted(uses.items()):
            print(f"{room} -> {used} ({len(places)})")
    wrong = {pair: places for pair, places in uses.items() if FLOOR[pair[1]] >= FLOOR[pair[0]]}
    for (room, used), places in sorted(wrong.items()):
        print(f"{room} (floor {FLOOR[room]}) uses {used} (floor {FLOOR[used]}):")
        for place in sorted(places):
            print(f"    {place}")
    unknown = {p.relative_to(src).parts[0].removesuffix(".rs") for p in src.rglob("*.rs")} - set(FLOOR)
    for room in sorted(unknown):
        print(f"{room} is on no floor")
    return 1 if wrong or unknown else 0


sys.exit(main())
