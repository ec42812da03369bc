# SPDX-License-Identifier: BSD-3-Clause
"""The samples of config/ are right by config/schema.json, and the schema notices what is wrong."""
import copy
import json
import pathlib
import sys

try:
    import jsonschema
    import yaml
except ImportError as error:
    print(f"skip: config_samples: python3-{error.name} is not installed")
    sys.exit(77)

# What to put where in which sample, and a word of the message that has to come.
MISTAKES = [
    ("lma", ("role",), "ha", "not one of"),
    ("lma", ("mag",), {}, "False schema"),
    ("mag", ("lma",), {}, "False schema"),
    ("lma", ("tunnel",), {"hop-limit": 0}, "minimum"),
    ("lma", ("tunnel",), {"hop_limit": 5}, "Additional properties"),
    ("lma", ("tunnel",), {"dscp": "cope"}, "not valid under any"),
    ("lma", ("ports", 0, "device"), "eth0", "does not match"),
    ("lma", ("ports", 0, "mtu"), "1500", "not of type"),
    ("lma", ("ports",), None, "not of type"),
    ("mag", ("variables", "INITIAL_BINDACK_TIMEOUT"), 0.01, "minimum"),
    ("mag", ("mobile-nodes", 0, "mac"), "02:00", "does not match"),
    ("mag", ("peers", 0, "ro-key"), "00" * 31, "does not match"),
    ("mag", ("mobile-nodes", 0, "route-optimisation"), "maybe", "not one of"),
    ("lma", ("route-optimisation", "mode"), "fast", "not one of"),
    ("lma", ("route-optimisation", "lifetime"), "forever", "not valid under any"),
    ("lma", ("route-optimisation", "detect-sample"), 0, "minimum"),
    ("mag", ("dataplane", "workers"), [], "too short"),
    ("lma", ("route-optimisation", "eligible-prefixes"), [], "too short"),
]


def errors(validator, document):
    return [error.message for error in validator.iter_errors(document)]


def changed(document, path, value):
    document = copy.deepcopy(document)
    place = document
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return document


def main(config):
    schema = json.loads((config / "schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    samples = {name: yaml.safe_load((config / f"{name}.yaml").read_text()) for name in ("lma", "mag")}
    failures = [f"{name}.yaml: {message}" for name, document in samples.items()
                for message in errors(validator, document)]
    for name, path, value, word in MISTAKES:
        found = errors(validator, changed(samples[name], path, value))
        if not any(word in message for message in found):
            failures.append(f"{name}: {path} = {value!r}: no '{word}' in {found}")
    print("\n".join(failures) or f"{len(samples)} samples, {len(MISTAKES)} mistakes")
    return 1 if failures else 0


sys.exit(main(pathlib.Path(sys.argv[1])))
