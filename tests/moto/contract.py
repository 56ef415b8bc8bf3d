"""Whether a request is one that AWS would take, as the service's model in botocore says: required members, unknown ones, types,
enumerated values, patterns, lengths and ranges. What stands in for a service is held to the same models.

moto takes much that AWS refuses. Only what our program sends is looked at: the calls of tests themselves are theirs.
"""

import json
import os
import re
import sys
import threading
import urllib.parse

import botocore.loaders
import cbor2
import regex
from moto.core.model import ServiceModel
from moto.core.parse import PROTOCOL_PARSERS
from werkzeug.datastructures import Headers, MultiDict

# Models that are newer than the installed ones, where a schedule asks for them (see `install`).
NEWEST = os.path.join(sys.prefix, "newest", "botocore", "data")
# What is sent as a number, and read as one from whatever the protocol makes of it.
NUMBERS = {"integer": int, "long": int, "float": float, "double": float}
# Values that the installed models do not know yet: botocore 1.44.8 has alarms on log queries.
NEWER = {"LogAlarm"}
# Members that the SDK itself sends.
OF_THE_PROTOCOL = {"Action", "Version"}


_models = {}
_lock = threading.Lock()


def model(service):
    """The model of a service, by the name under which botocore files it."""
    newest = [NEWEST] if os.environ.get("PGVIGIL_NEWEST_MODELS") and os.path.isdir(NEWEST) else []
    with _lock:
        if service not in _models:
            document = botocore.loaders.Loader(extra_search_paths=newest).load_service_model(service, "service-2")
            _models[service] = ServiceModel(document, service)
        return _models[service]


def path_of(operation):
    """What the path of a request for an operation is, and the names of its parts in their order."""
    template = operation.http["requestUri"].partition("?")[0].rstrip("/")
    pattern = re.sub(r"\\\{[^}]+\\\}", "([^/]+)", re.sub(r"\\\{[^}]+\\\+\\\}", "(.+)", re.escape(template)))
    return re.compile(pattern + "/?"), re.findall(r"\{([^}+]+)\+?\}", template)


def misfits(shape, value, what):
    """What a value has that its shape does not take, and what it lacks: a list of sentences."""
    found = []
    check(shape, value, what, found)
    return found


def faults(model, operation, environ, body):
    """What is wrong with a request: a list of sentences. An operation that the model does not have cannot be judged."""
    if operation not in model.operation_names:
        return None
    known = model.operation_model(operation)
    shape = known.input_shape
    found = []
    try:
        value = read(known, shape, environ, body, found)
    except (ValueError, KeyError, TypeError) as error:
        return [f"{operation} cannot be read: {error!r}"]
    if shape is not None:
        check(shape, value, operation, found)
    return found


def read(known, shape, environ, body, found):
    """The members of a request, from the form of the service's protocol."""
    protocol = known.service_model.metadata["protocol"]
    path = environ["PATH_INFO"]
    if "/service/" in path:
        return cbor2.loads(body) if body else {}
    if environ.get("HTTP_X_AMZ_TARGET"):
        return json.loads(body or b"{}")
    form = MultiDict(urllib.parse.parse_qsl(body.decode(), keep_blank_values=True)) if protocol == "query" else MultiDict()
    query = MultiDict(urllib.parse.parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True))
    pattern, names = path_of(known)
    there = pattern.fullmatch(path)
    request = {
        "method": environ["REQUEST_METHOD"],
        "headers": Headers([(key[5:].replace("_", "-"), value) for key, value in environ.items() if key.startswith("HTTP_")]),
        "body": body,
        "url_path": path,
        "url_params": dict(zip(names, there.groups())) if there else {},
        "values": form or query,
    }
    value = PROTOCOL_PARSERS[protocol](known).parse(request)
    if protocol == "query":
        sent = len([key for key in form if key not in OF_THE_PROTOCOL])
        taken = leaves(shape, value)
        if taken != sent:
            found.append(f"{known.name}: {sent} values were sent, and the model knows {taken} of them: {sorted(form)}")
    elif protocol == "rest-json" and body and "payload" not in shape.serialization:
        unknown = set(json.loads(body)) - set(shape.members)
        found.extend(f"{known.name}.{name} is not a member" for name in sorted(unknown))
    return value


def leaves(shape, value):
    """How many values of a form these members take."""
    kind = shape.type_name
    if kind == "structure":
        return sum(leaves(shape.members[name], one) for name, one in value.items())
    if kind == "map":
        return sum(1 + leaves(shape.value, one) for one in value.values())
    if kind == "list":
        return sum(leaves(shape.member, one) for one in value) or 1
    return 1


def check(shape, value, path, found):
    kind = shape.type_name
    limits = shape.metadata
    if kind == "structure":
        if not isinstance(value, dict):
            found.append(f"{path} is not a structure: {value!r}")
            return
        found.extend(f"{path}.{name} is missing" for name in shape.required_members if name not in value)
        for name, one in value.items():
            if name not in shape.members:
                found.append(f"{path}.{name} is not a member")
            elif one is not None:
                check(shape.members[name], one, f"{path}.{name}", found)
        if getattr(shape, "is_tagged_union", False) and len(value) != 1:
            found.append(f"{path} has to have one member: {sorted(value)}")
    elif kind == "list":
        if not isinstance(value, list):
            found.append(f"{path} is not a list: {value!r}")
            return
        within(len(value), limits, f"the items of {path}", found)
        for at, one in enumerate(value):
            check(shape.member, one, f"{path}[{at}]", found)
    elif kind == "map":
        within(len(value), limits, f"the items of {path}", found)
        for key, one in value.items():
            check(shape.key, key, f"{path}, a key,", found)
            check(shape.value, one, f"{path}.{key}", found)
    elif kind == "string":
        text(shape, value, path, found)
    elif kind in NUMBERS:
        try:
            within(NUMBERS[kind](value), limits, path, found)
        except (TypeError, ValueError):
            found.append(f"{path} is not a number: {value!r}")
    elif kind == "boolean" and not isinstance(value, bool):
        found.append(f"{path} is neither true nor false: {value!r}")


def text(shape, value, path, found):
    if not isinstance(value, str):
        found.append(f"{path} is not a text: {value!r}")
        return
    within(len(value), shape.metadata, f"the characters of {path}", found)
    values = shape.metadata.get("enum")
    if values and value not in values and value not in NEWER:
        found.append(f"{path} is not one of {values}: {value!r}")
    pattern = shape.metadata.get("pattern")
    # Some are anchored and some are not; AWS compares the whole (its documents say "Pattern" of whole values).
    if pattern and not regex.fullmatch(pattern, value):
        found.append(f"{path} is not as {pattern}: {value!r}")


def within(number, limits, path, found):
    if "min" in limits and number < limits["min"]:
        found.append(f"{path}: {number} is below {limits['min']}")
    if "max" in limits and number > limits["max"]:
        found.append(f"{path}: {number} is above {limits['max']}")
