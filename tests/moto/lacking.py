"""What moto 5.2.1 lacks and the tests need: saved queries, and CloudTrail's events out of the calls made."""

import datetime
import json
import threading
import uuid

_lock = threading.Lock()
_queries = {}


def patch():
    """Mends moto where it answers otherwise than AWS."""


def answer(service, operation, region, access_key, environ, body, calls):
    """Status and document for an operation that moto does not know; `None` leaves the call to moto."""
    handler = _HANDLERS.get((service, operation))
    if handler is None:
        return None
    asked = json.loads(body or b"{}")
    with _lock:
        return handler(asked, (access_key, region), calls)


def _describe_queries(asked, place, _):
    prefix = asked.get("queryDefinitionNamePrefix", "")
    found = [query for query in _queries.get(place, {}).values() if query["name"].startswith(prefix)]
    return 200, {"queryDefinitions": sorted(found, key=lambda query: query["name"])}


def _put_query(asked, place, _):
    queries = _queries.setdefault(place, {})
    identity = asked.get("queryDefinitionId") or str(uuid.uuid4())
    if asked.get("queryDefinitionId") and identity not in queries:
        return 400, {"__type": "ResourceNotFoundException", "message": "The specified query definition does not exist."}
    if len(asked["queryString"]) > 10_000:
        return 400, {"__type": "InvalidParameterException", "message": "queryString is longer than 10000 characters"}
    queries[identity] = {
        "queryDefinitionId": identity,
        "queryLanguage": asked.get("queryLanguage", "CWLI"),
        "name": asked["name"],
        "queryString": asked["queryString"],
        "logGroupNames": asked.get("logGroupNames", []),
        "lastModified": 0,
    }
    return 200, {"queryDefinitionId": identity}


def _delete_query(asked, place, _):
    if _queries.get(place, {}).pop(asked["queryDefinitionId"], None) is None:
        return 400, {"__type": "ResourceNotFoundException", "message": "The specified query definition does not exist."}
    return 200, {"success": True}


def _lookup(asked, place, calls):
    """Events of one attribute, newest first: every call that wrote, as CloudTrail would have it."""
    wanted = {pair["AttributeKey"]: pair["AttributeValue"] for pair in asked.get("LookupAttributes", [])}
    events = []
    for call in reversed(calls):
        if not call["writes"] or call["status"] != 200 or (call["access_key"], call["region"]) != place:
            continue
        name = wanted.get("ResourceName")
        if name and name not in call["body"] and name not in call["path"]:
            continue
        when = datetime.datetime.fromtimestamp(call["time"], datetime.timezone.utc)
        record = {
            "eventTime": when.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "eventName": call["operation"],
            "eventSource": f"{call['service']}.amazonaws.com",
            "userAgent": call["agent"],
            "sourceIPAddress": "127.0.0.1",
            "userIdentity": {"type": "IAMUser", "arn": f"arn:aws:iam::123456789012:user/{call['access_key']}"},
        }
        events.append(
            {
                "EventId": str(uuid.uuid4()),
                "EventName": call["operation"],
                "EventTime": call["time"],
                "EventSource": record["eventSource"],
                "Username": call["access_key"],
                "Resources": [{"ResourceName": name}] if name else [],
                "CloudTrailEvent": json.dumps(record),
            }
        )
    most = asked.get("MaxResults", 50)
    return 200, {"Events": events[:most]}


_HANDLERS = {
    ("logs", "DescribeQueryDefinitions"): _describe_queries,
    ("logs", "PutQueryDefinition"): _put_query,
    ("logs", "DeleteQueryDefinition"): _delete_query,
    ("cloudtrail", "LookupEvents"): _lookup,
}
