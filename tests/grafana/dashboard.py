"""Reads dashboards as Grafana's own classes do, and prints what they refuse: a line for each fault.

The classes drop a field that they do not know, so a dashboard must come out as it went in. They check no type either, so
every field is held against its annotation.
"""

import enum
import json
import sys
import types
import typing

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

register_default_plugins()


def lost(path, before, after):
    """Fields and values that are not the same after reading and writing."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key, value in before.items():
            if key in after:
                yield from lost(f"{path}.{key}", value, after[key])
            # Optional fields that are empty are left out.
            elif value is not None:
                yield f"{path}.{key}: Grafana does not know this field"
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for number, (one, other) in enumerate(zip(before, after)):
            yield from lost(f"{path}[{number}]", one, other)
    elif before != after:
        yield f"{path}: {before!r} is read as {after!r}"


def is_of(value, hint):
    """Whether a value has a type; objects are looked into by `mistyped`."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return any(is_of(value, one) for one in arguments)
    if origin is typing.Literal:
        return value in arguments
    if origin is list:
        return isinstance(value, list) and all(is_of(one, arguments[0]) for one in value)
    if origin is dict:
        return isinstance(value, dict) and all(is_of(one, arguments[1]) for one in value.values())
    if hint in (typing.Any, object):
        return True
    if hint is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return value in [member.value for member in hint]
    if isinstance(value, dict) and hasattr(hint, "from_json"):
        # The classes leave some lists of objects unread.
        read = hint.from_json(value)
        written = json.loads(json.dumps(read, cls=JSONEncoder))
        return not [*lost("", value, written), *mistyped("", read)]
    return isinstance(value, hint)


def mistyped(path, value):
    """Fields of another type than Grafana's."""
    if isinstance(value, list):
        for number, one in enumerate(value):
            yield from mistyped(f"{path}[{number}]", one)
    elif isinstance(value, dict):
        for key, one in value.items():
            yield from mistyped(f"{path}.{key}", one)
    elif hasattr(value, "to_json") and not isinstance(value, enum.Enum):
        hints = typing.get_type_hints(type(value))
        for name, one in vars(value).items():
            if name in hints and not is_of(one, hints[name]):
                yield f"{path}.{name}: {one!r} is not {hints[name]}"
            yield from mistyped(f"{path}.{name}", one)


def known(dashboard):
    """Parts of a kind that the classes have no reader for would be passed through unread."""
    for panel in dashboard.panels:
        for target in getattr(panel, "targets", None) or []:
            if type(target).__name__ == "UnknownDataquery":
                yield f"{panel.title}: a query of an unknown kind"


for name in sys.argv[1:]:
    with open(name, encoding="utf-8") as file:
        before = json.load(file)
    dashboard = Dashboard.from_json(before)
    after = json.loads(json.dumps(dashboard, cls=JSONEncoder))
    for fault in [*lost("", before, after), *mistyped("", dashboard), *known(dashboard)]:
        print(f"{name}: {fault}")
