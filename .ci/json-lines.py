"""Checks that the standard input is the lab's JSON: an object a line, with the keys others read."""

import json
import sys

KEYS = {"experiment", "strategy", "params", "metric", "unit", "value", "low", "high", "samples"}

records = [json.loads(line) for line in sys.stdin]
for record in records:
    missing = KEYS - record.keys()
    if missing:
        sys.exit(f"{record} lacks {sorted(missing)}")
if not records:
    sys.exit("no record")
print(f"{len(records)} records, strategies {sorted({record['strategy'] for record in records})}")
