#!/usr/bin/env python3
"""Lists the public surface of a crate from rustdoc's JSON.

    surface.py <JSON>

An item is named by its shortest public path; `use` lines are its other paths. Types in signatures are named without
their modules. In brackets are the features that a line needs beyond those of the item that it belongs to, as its own
attributes say. Of the auto traits, Send, Sync and Unpin are listed. Not listed: blanket implementations, and what
rustdoc hides.
"""
import json
import re
import sys

# Of the JSON that this reads: that of the toolchain in .ci/tools.sh. Another may write another.
FORMAT = 57
AUTO_TRAITS = {"Send", "Sync", "Unpin"}
# Written by derives, and of no use to a program.
NOISE = {"StructuralPartialEq"}
# Implementations for tuples of more types differ in nothing else, and are abridged.
LONG_TUPLE = 3


class Text:
    """Types, bounds and signatures as Rust writes them."""

    def type(self, t):
        if t is None:
            return "_"
        (kind, v), = t.items() if isinstance(t, dict) else ((t, None),)
        return getattr(self, kind)(v)

    def generic(self, v):
        return v

    def primitive(self, v):
        return {"never": "!", "unit": "()"}.get(v, v)

    def infer(self, _):
        return "_"

    def resolved_path(self, v):
        return v["path"].rsplit("::", 1)[-1] + self.arguments(v["args"])

    def tuple(self, v):
        if len(v) > LONG_TUPLE:
            return f"({self.type(v[0])}, .., {self.type(v[-1])}; {len(v)})"
        return f"({', '.join(map(self.type, v))}{',' if len(v) == 1 else ''})"

    def slice(self, v):
        return f"[{self.type(v)}]"

    def array(self, v):
        return f"[{self.type(v['type'])}; {v['len']}]"

    def raw_pointer(self, v):
        return f"*{'mut' if v['is_mutable'] else 'const'} {self.type(v['type'])}"

    def borrowed_ref(self, v):
        lifetime = f"{v['lifetime']} " if v["lifetime"] else ""
        return f"&{lifetime}{'mut ' if v['is_mutable'] else ''}{self.type(v['type'])}"

    def qualified_path(self, v):
        trait = v["trait"] and v["trait"]["path"] and self.resolved_path(v["trait"])
        of = self.type(v["self_type"])
        return (f"<{of} as {trait}>" if trait else of) + f"::{v['name']}{self.arguments(v['args'])}"

    def impl_trait(self, v):
        return f"impl {self.bounds(v)}"

    def dyn_trait(self, v):
        traits = [self.for_all(t["generic_params"]) + self.resolved_path(t["trait"]) for t in v["traits"]]
        return f"dyn {' + '.join(traits + [v['lifetime']] * bool(v['lifetime']))}"

    def function_pointer(self, v):
        return f"{self.for_all(v['generic_params'])}{self.qualifiers(v['header'])}fn{self.signature(v['sig'], False)}"

    def arguments(self, a):
        if not a:
            return ""
        (kind, v), = a.items() if isinstance(a, dict) else ((a, None),)
        if kind == "parenthesized":
            returned = f" -> {self.type(v['output'])}" if v["output"] else ""
            return f"({', '.join(map(self.type, v['inputs']))}){returned}"
        if kind != "angle_bracketed":
            return "(..)"
        listed = [self.argument(x) for x in v["args"]] + [self.constraint(x) for x in v["constraints"]]
        return f"<{', '.join(listed)}>" if listed else ""

    def argument(self, a):
        if a == "infer":
            return "_"
        (kind, v), = a.items()
        return {"lifetime": lambda: v, "type": lambda: self.type(v), "const": lambda: v["expr"]}[kind]()

    def constraint(self, c):
        (kind, v), = c["binding"].items()
        name = c["name"] + self.arguments(c["args"])
        return f"{name}: {self.bounds(v)}" if kind == "constraint" else f"{name} = {self.term(v)}"

    def term(self, t):
        return self.type(t["type"]) if "type" in t else t["constant"]["expr"]

    def bounds(self, bounds):
        return " + ".join(map(self.bound, bounds))

    def bound(self, b):
        (kind, v), = b.items()
        if kind == "outlives":
            return v
        if kind == "use":
            return f"use<{', '.join(str(next(iter(x.values()))) for x in v)}>"
        modifier = {"none": "", "maybe": "?", "maybe_const": "~const "}[v["modifier"]]
        return self.for_all(v["generic_params"]) + modifier + self.resolved_path(v["trait"])

    def for_all(self, params):
        return f"for<{', '.join(p['name'] for p in params)}> " if params else ""

    def parameters(self, generics):
        listed = [p for p in map(self.parameter, generics["params"]) if p]
        return f"<{', '.join(listed)}>" if listed else ""

    def parameter(self, p):
        (kind, v), = p["kind"].items()
        if kind == "lifetime":
            return p["name"] + (f": {' + '.join(v['outlives'])}" if v["outlives"] else "")
        if kind == "const":
            return f"const {p['name']}: {self.type(v['type'])}" + (f" = {v['default']}" if v["default"] else "")
        if v["is_synthetic"]:
            return None
        bounds = f": {self.bounds(v['bounds'])}" if v["bounds"] else ""
        return p["name"] + bounds + (f" = {self.type(v['default'])}" if v["default"] else "")

    def where(self, generics):
        listed = [self.predicate(p) for p in generics["where_predicates"]]
        return f" where {', '.join(listed)}" if listed else ""

    def predicate(self, p):
        (kind, v), = p.items()
        if kind == "bound_predicate":
            return f"{self.for_all(v['generic_params'])}{self.type(v['type'])}: {self.bounds(v['bounds'])}"
        if kind == "lifetime_predicate":
            return f"{v['lifetime']}: {' + '.join(v['outlives'])}"
        return f"{self.type(v['lhs'])} == {self.term(v['rhs'])}"

    def signature(self, sig, named=True):
        listed = [self.receiver(n, t) or f"{n}: {self.type(t)}" if named else self.type(t) for n, t in sig["inputs"]]
        returned = f" -> {self.type(sig['output'])}" if sig["output"] else ""
        return f"({', '.join(listed)}){returned}"

    def receiver(self, name, t):
        short = {"Self": "self", "&Self": "&self", "&mut Self": "&mut self"}
        return short.get(self.type(t)) if name == "self" else None

    def qualifiers(self, header):
        words = [word for word in ("const", "async", "unsafe") if header[f"is_{word}"]]
        return "".join(f"{word} " for word in words)


class Surface:
    """Blocks of lines, one for each item: what it is, and below what belongs to it."""

    def __init__(self, document):
        self.index = document["index"]
        self.external = document["paths"]
        self.text = Text()
        # By item: its public paths, each with the features on the way.
        self.paths = {}
        self.find(self.item(document["root"]), "", frozenset())
        # By item: the path that names it.
        self.names = {id: min(paths, key=lambda path: self.rank(id, path)) for id, paths in self.paths.items()}
        modules = {path for id in self.names for path in self.other_paths(id) if "module" in self.inner(id)}
        self.blocks = [(name, self.block(id, name, self.paths[id][name])) for id, name in self.names.items()]
        for id, name in self.names.items():
            for path in self.other_paths(id):
                # That a module has another path says it of its items.
                if path.rpartition("::")[0] not in modules:
                    self.blocks.append((path, [tagged(f"use {path} = {name}", self.paths[id][path])]))
        self.blocks.sort()

    def other_paths(self, id):
        return [path for path in self.paths[id] if path != self.names[id]]

    def inner(self, id):
        item = self.item(id)
        return item["inner"] if item else {}

    def item(self, id):
        return self.index.get(str(id))

    def items(self, ids):
        """Those that rustdoc does not hide."""
        return [item for item in map(self.item, ids) if item]

    def rank(self, id, path):
        item = self.item(id)
        return (bool(item) and item["name"] != path.rsplit("::", 1)[-1], path.count("::"), path)

    def features(self, item, outer):
        texts = [attribute.get("other", "") for attribute in item["attrs"] if isinstance(attribute, dict)]
        cfgs = "".join(text for text in texts if "CfgTrace" in text)
        return outer | set(re.findall(r'name: "feature", value: Some\("([\w-]+)"\)', cfgs))

    def find(self, item, parent, outer):
        """Walks modules and re-exports: a private module's item is public where it is re-exported."""
        features = self.features(item, outer)
        (kind, v), = item["inner"].items()
        if kind == "use":
            self.find_used(v, parent, features)
            return
        path = f"{parent}::{item['name']}" if parent else item["name"]
        self.add(item["id"], path, features)
        if kind == "module":
            self.find_all(v, path, features)

    def find_all(self, module, path, features):
        for child in self.items(module["items"]):
            if child["visibility"] == "public":
                self.find(child, path, features)

    def find_used(self, use, parent, features):
        target = self.item(use["id"])
        if target is None:
            self.add(use["id"], f"{parent}::{use['name']}", features)
        elif use["is_glob"]:
            self.find_all(target["inner"]["module"], parent, features)
        elif "use" in target["inner"]:
            self.find_used(target["inner"]["use"] | {"name": use["name"]}, parent, features)
        elif target["visibility"] == "public":
            self.find(target | {"name": use["name"]}, parent, features)

    def add(self, id, path, features):
        known = self.paths.setdefault(id, {})
        # Two ways to one path: it needs only what both need.
        known[path] = known[path] & features if path in known else features

    def block(self, id, path, features):
        item = self.item(id)
        if item is None:
            other = self.external[str(id)]
            return [tagged(f"{other['kind']} {path} = {'::'.join(other['path'])}", features)]
        (kind, v), = item["inner"].items()
        features = self.features(item, features)
        head = self.declaration(item | {"name": path}, kind, v)
        below = []
        if kind in ("struct", "enum", "union"):
            below += self.contents(kind, v, features)
            below += self.impls(self.items(v["impls"]), features)
        elif kind == "trait":
            below += [self.member(child, features, features) for child in self.items(v["items"])]
            # For types that are not listed, such as tuples; the others say it themselves.
            others = [child for child in self.items(v["implementations"]) if not self.is_for_listed(child)]
            below += self.impls(others, features)
        return [tagged(head, features)] + ["    " + line for line in below]

    def declaration(self, item, kind, v):
        text, name = self.text, item["name"]
        if kind == "function":
            return (f"{text.qualifiers(v['header'])}fn {name}{text.parameters(v['generics'])}"
                    f"{text.signature(v['sig'])}{text.where(v['generics'])}")
        if kind in ("constant", "static", "assoc_const"):
            return f"{'static' if kind == 'static' else 'const'} {name}: {text.type(v['type'])}"
        if kind in ("type_alias", "assoc_type"):
            bounds = f": {text.bounds(v['bounds'])}" if v.get("bounds") else ""
            value = f" = {text.type(v['type'])}" if v["type"] else ""
            return f"type {name}{text.parameters(v['generics'])}{bounds}{value}"
        if kind in ("struct", "enum", "union"):
            open_ended = "non_exhaustive " if "non_exhaustive" in item["attrs"] else ""
            return f"{open_ended}{kind} {name}{text.parameters(v['generics'])}{text.where(v['generics'])}"
        if kind == "trait":
            bounds = f": {text.bounds(v['bounds'])}" if v["bounds"] else ""
            return (f"{'unsafe ' if v['is_unsafe'] else ''}trait {name}{text.parameters(v['generics'])}{bounds}"
                    f"{text.where(v['generics'])}")
        return f"{'mod' if kind == 'module' else kind} {name}"

    def contents(self, kind, v, features):
        if kind == "enum":
            lines = []
            for variant in self.items(v["variants"]):
                inner = variant["inner"]["variant"]["kind"]
                lines.append(tagged(f"variant {variant['name']}", self.features(variant, features) - features))
                lines += ["    " + line for line in self.fields(inner, features)]
            return lines
        return self.fields(v["kind"] if kind == "struct" else {"plain": v}, features)

    def fields(self, kind, features):
        if isinstance(kind, str):
            return []
        (_, v), = kind.items()
        ids = v if isinstance(v, list) else v["fields"]
        hidden = None in ids if isinstance(v, list) else v["has_stripped_fields"]
        fields = self.items(id for id in ids if id is not None)
        lines = []
        for field in fields:
            line = f"{field['name']}: {self.text.type(field['inner']['struct_field'])}"
            lines.append(tagged(line, self.features(field, features) - features))
        return lines + ["private fields"] * hidden

    def member(self, item, features, outer):
        (kind, v), = item["inner"].items()
        provided = " { .. }" if kind == "function" and v["has_body"] and item["visibility"] == "default" else ""
        return tagged(self.declaration(item, kind, v) + provided, self.features(item, features) - outer)

    def is_for_listed(self, item):
        of = item["inner"]["impl"]["for"]
        return "resolved_path" in of and of["resolved_path"]["id"] in self.names

    def impls(self, items, outer):
        own, traits = {}, []
        for item in items:
            v, features = item["inner"]["impl"], self.features(item, outer)
            if v["trait"] is None:
                public = [child for child in self.items(v["items"]) if child["visibility"] == "public"]
                members = [self.member(child, features, outer) for child in public]
                if members:
                    # Blocks of one head are one block.
                    own.setdefault(self.impl_head(v), []).extend(members)
            elif self.is_of_interest(v):
                types = [child for child in self.items(v["items"]) if "assoc_type" in child["inner"]]
                members = [self.member(child, features, features) for child in types]
                traits.append([tagged(self.impl_head(v), features - outer)] + ([] if is_long(v) else sorted(members)))
        blocks = [[head] + sorted(members) for head, members in sorted(own.items())] + sorted(traits)
        return [line if line is block[0] else "    " + line for block in blocks for line in block]

    def is_of_interest(self, v):
        name = v["trait"]["path"].rsplit("::", 1)[-1]
        hidden = self.item(v["trait"]["id"]) and v["trait"]["id"] not in self.names
        if v["is_synthetic"]:
            return name in AUTO_TRAITS and not v["is_negative"]
        return not (v["blanket_impl"] or hidden or name in NOISE)

    def impl_head(self, v):
        text = self.text
        generics = v["generics"]
        parameters, where = ("<..>", "") if is_long(v) else (text.parameters(generics), text.where(generics))
        sign = "!" if v["is_negative"] else ""
        trait = f"{sign}{text.resolved_path(v['trait'])} for " if v["trait"] else ""
        return f"{'unsafe ' if v['is_unsafe'] else ''}impl{parameters} {trait}{text.type(v['for'])}{where}"


def is_long(v):
    return len(v["for"].get("tuple", [])) > LONG_TUPLE


def tagged(line, features):
    return f"{line}    [{', '.join(sorted(features))}]" if features else line


def main():
    with open(sys.argv[1]) as file:
        document = json.load(file)
    if document["format_version"] != FORMAT:
        sys.exit(f"this is format {document['format_version']} of rustdoc's JSON: see FORMAT in .ci/surface.py")
    for _, block in Surface(document).blocks:
        print("\n".join(block))


main()
