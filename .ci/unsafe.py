#!/usr/bin/env python3
"""Checks the notes of `unsafe` code: see CONTRIBUTING.md.

    unsafe.py <folder>...

Each unsafe block or impl has a `// SAFETY:` comment directly above its statement. A note has four words or more, and is
not one of the phrases that say nothing; a block has fewer than twelve lines, so that one note can be its reason.
"""
import re
import sys
from pathlib import Path

SITE = re.compile(r"\bunsafe (\{|impl\b)")
BARE = re.compile(r"passed on|by contract|by the contract\b(?! of)|as above|the caller promises", re.I)
FEWEST_WORDS = 4
LONGEST_BLOCK = 11


def note_above(lines, at):
    """The SAFETY comment that belongs to line `at`: on it, or above the statement that the line is part of."""
    for above in range(at - 1, max(at - 12, -1), -1):
        line = lines[above].strip()
        if line.startswith("//"):
            first = above
            while first > 0 and lines[first].strip().startswith("//") and "SAFETY:" not in lines[first]:
                first -= 1
            if "SAFETY:" not in lines[first]:
                return None
            text = [l.strip().lstrip("/").strip() for l in lines[first:above + 1]]
            return " ".join(text).split("SAFETY:", 1)[1]
        # The statement goes on: an attribute, or a line that does not end one.
        if not line or (line.endswith((";", "}", "},")) and not line.startswith("#")):
            return None
    return None


def length(lines, at, column):
    """Lines from the brace of the block to the one that closes it."""
    depth = 0
    for end in range(at, len(lines)):
        code = lines[end][column:] if end == at else lines[end]
        for char in re.sub(r"'[{}]'|\"(\\.|[^\"\\])*\"|//.*", "", code):
            depth += {"{": 1, "}": -1}.get(char, 0)
            if depth == 0 and char == "}":
                return end - at + 1
    return len(lines) - at


def problems(path):
    lines = path.read_text().splitlines()
    for at, line in enumerate(lines):
        if line.lstrip().startswith("//"):
            continue
        for site in SITE.finditer(line):
            note = note_above(lines, at)
            if note is None:
                yield at, "no SAFETY note directly above"
            elif len(note.split()) < FEWEST_WORDS:
                yield at, f"a note of fewer than {FEWEST_WORDS} words"
            elif bare := BARE.search(note):
                yield at, f"a note that does not say who upholds what: `{bare[0]}`"
            if site[1] == "{":
                size = length(lines, at, site.start(1))
                if size > LONGEST_BLOCK:
                    yield at, f"a block of {size} lines: more than {LONGEST_BLOCK}"


found = 0
for folder in sys.argv[1:]:
    for path in sorted(Path(folder).rglob("*.rs")):
        for at, what in problems(path):
            print(f"{path}:{at + 1}: {what}")
            found += 1
sys.exit(1 if found else 0)
