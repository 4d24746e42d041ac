"""Checks that a metric is nowhere above a bound, in the lab's JSON on the standard input.

    at-most.py <metric> <bound> <strategy> [<parameter>=<value>]...

It fails also if there is no such record.
"""

import json
import sys

metric, bound, strategy, *parameters = sys.argv[1:]
wanted = dict(parameter.split("=", 1) for parameter in parameters)

found = []
for record in map(json.loads, sys.stdin):
    params = {name: str(value) for name, value in record["params"].items()}
    if (record["metric"], record["strategy"]) == (metric, strategy) and wanted.items() <= params.items():
        found.append((record["value"], record["params"]))
if not found:
    sys.exit(f"no {metric} of {strategy} with {wanted}")
above = [at for at in found if at[0] > float(bound)]
if above:
    sys.exit(f"{metric} of {strategy} is above {bound}: {above}")
print(f"{metric} of {strategy}: {len(found)} values, the highest {max(value for value, _ in found)}, at most {bound}")
