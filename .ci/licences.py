#!/usr/bin/env python3
"""Checks the licences of all dependencies, in the output of `cargo metadata`.

    cargo metadata --format-version 1 | licences.py

What each package says has to be satisfied by licences that are on the list. For the packages that users of the
libraries get, the list is shorter.
"""
import json
import re
import sys

# Permissive, and compatible with both licences of this project.
LIBRARIES = {"MIT", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "Unlicense", "Zlib", "0BSD", "BSD-2-Clause",
             # Of tables in `unicode-ident`, at compile time only.
             "Unicode-3.0"}
# In programs and tests, which are not published.
PROGRAMS = LIBRARIES | {"BSD-3-Clause", "ISC"}


def satisfied(expression, allowed):
    """Of SPDX: AND binds more tightly than OR. Older packages write `/` for OR."""
    tokens = re.findall(r"[()]|[\w.+-]+(?: WITH [\w.-]+)?", expression.replace("/", " OR "))

    def either():
        result = both()
        while tokens and tokens[0] == "OR":
            tokens.pop(0)
            result = both() or result
        return result

    def both():
        result = one()
        while tokens and tokens[0] == "AND":
            tokens.pop(0)
            result = one() and result
        return result

    def one():
        token = tokens.pop(0)
        if token == "(":
            result = either()
            if not tokens or tokens.pop(0) != ")":
                raise ValueError(expression)
            return result
        return token in allowed

    result = either()
    if tokens:
        raise ValueError(expression)
    return result


def reached(metadata, roots):
    """The packages that the roots depend on, but for their tests."""
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    found, next_ones = set(), list(roots)
    while next_ones:
        id = next_ones.pop()
        if id not in found:
            found.add(id)
            next_ones += [dep["pkg"] for dep in nodes[id]["deps"] if any(k["kind"] != "dev" for k in dep["dep_kinds"])]
    return found


def main():
    metadata = json.load(sys.stdin)
    packages = {package["id"]: package for package in metadata["packages"]}
    published = [id for id in metadata["workspace_members"] if packages[id]["publish"] is None]
    libraries = reached(metadata, published)
    wrong = 0
    for id, package in packages.items():
        said = package["license"]
        if not said or not satisfied(said, LIBRARIES if id in libraries else PROGRAMS):
            print(f"{package['name']} {package['version']}: {said or 'says no licence'}")
            wrong += 1
    print(f"{len(packages)} packages, {len(libraries)} in the libraries; {wrong} with a licence that is not listed")
    return 1 if wrong else 0


sys.exit(main())
