#!/usr/bin/env python3
"""Checks that the files exist which the documents and the comments of the sources name.

    paths.py <file or folder>...

A path in backticks that ends in `.rs` or `.md` is the end of a file's path in this repository: `call/mod.rs`.
"""
import os
import re
import sys
from pathlib import Path

NAMED = re.compile(r"`([\w./-]+\.(?:rs|md))`")
NO_SOURCES = {"target", ".git"}


def endings():
    """The ends of all files' paths, from `mod.rs` to the whole path."""
    for folder, folders, files in os.walk("."):
        folders[:] = [name for name in folders if name not in NO_SOURCES]
        for name in files:
            parts = (Path(folder) / name).parts
            for first in range(len(parts)):
                yield "/".join(parts[first:])


def texts(path):
    """The lines of a document, or the comments of a source, by number."""
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if path.suffix == ".md" or line.lstrip().startswith("//"):
            yield number, line


known = set(endings())
found = 0
for argument in map(Path, sys.argv[1:]):
    paths = [argument] if argument.is_file() else sorted([*argument.rglob("*.rs"), *argument.rglob("*.md")])
    for path in paths:
        for number, line in texts(path):
            for named in NAMED.findall(line):
                if named not in known:
                    print(f"{path}:{number}: there is no file `{named}`")
                    found += 1
sys.exit(1 if found else 0)
