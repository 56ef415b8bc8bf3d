"""CloudWatch's alarms on log queries, which moto 5.2.1 and botocore 1.43 do not know: PutLogAlarm, and what the other
calls about alarms say of them. Shapes and limits are those of the API reference (PutLogAlarm, LogAlarm,
ScheduledQueryConfiguration, ScheduleConfiguration). No query runs: an alarm stays without data until SetAlarmState.
"""

import datetime
import re
import threading

import cbor2
from moto.cloudwatch.models import cloudwatch_backends
from moto.iam.models import get_account_id_from, iam_backends

OPERATORS = (
    "GreaterThanThreshold",
    "GreaterThanOrEqualToThreshold",
    "LessThanThreshold",
    "LessThanOrEqualToThreshold",
)
RATE = re.compile(r"rate\((1 (minute|hour|day)|([2-9]|[1-9]\d+) (minutes|hours|days))\)")
COUNTED = re.compile(r"(count|avg|sum|min|max)\((\*|[A-Za-z_@.]+)\)( by [A-Za-z_@.]+(, [A-Za-z_@.]+){0,4})?( \| sort (asc|desc))?")
ACTIONS = ("OKActions", "AlarmActions", "InsufficientDataActions")

_lock = threading.Lock()
_alarms = {}


def reset():
    with _lock:
        _alarms.clear()


class Refused(Exception):
    def __init__(self, message, code="ValidationError"):
        super().__init__(message)
        self.code = code


def answer(service, operation, region, access_key, environ, body, bridge):
    """Status and CBOR for a call about log alarms; `None` leaves the call to moto."""
    handler = _HANDLERS.get(operation) if service == "monitoring" and "/service/" in environ["PATH_INFO"] else None
    if handler is None:
        return None
    asked = cbor2.loads(body) if body else {}
    place = (get_account_id_from(access_key), region)
    with _lock:
        try:
            answered = handler(asked, place, bridge)
        except Refused as refused:
            return 400, _dumps({"__type": refused.code, "message": str(refused)})
    return None if answered is None else (answered if isinstance(answered, tuple) else (200, _dumps(answered)))


def _dumps(value):
    return cbor2.dumps(value, timezone=datetime.timezone.utc, datetime_as_timestamp=True)


def _ours(place):
    return _alarms.setdefault(place, {})


def _put(asked, place, _):
    name = asked.get("AlarmName", "")
    _length("AlarmName", name, 1, 255)
    _length("AlarmDescription", asked.get("AlarmDescription", ""), 0, 1024)
    if name in cloudwatch_backends[place[0]][place[1]].alarms:
        raise Refused(f"An alarm of another type is named {name}", "ResourceConflict")
    query = asked.get("ScheduledQueryConfiguration") or {}
    _length("QueryString", query.get("QueryString", ""), 1, 10_000)
    if "stats " in query["QueryString"]:
        raise Refused("QueryString must not aggregate: AggregationExpression does")
    _length("AggregationExpression", query.get("AggregationExpression", ""), 1, 256)
    if not COUNTED.fullmatch(query["AggregationExpression"]):
        raise Refused("AggregationExpression is not understood")
    groups = query.get("LogGroupIdentifiers", [])
    if not 1 <= len(groups) <= 50:
        raise Refused("LogGroupIdentifiers must have 1 to 50 members")
    _role(query.get("ScheduledQueryRoleARN", ""), place[0])
    schedule = query.get("ScheduleConfiguration") or {}
    if not RATE.fullmatch(schedule.get("ScheduleExpression", "")):
        raise Refused("ScheduleExpression must be a rate")
    start, end = schedule.get("StartTimeOffset", 0), schedule.setdefault("EndTimeOffset", 0)
    if not 1 <= start <= 2_592_000 or not 0 <= end < start:
        raise Refused("StartTimeOffset must be 1 to 2592000, and EndTimeOffset less")
    results, breaching = asked.get("QueryResultsToEvaluate", 0), asked.get("QueryResultsToAlarm", 0)
    if not 1 <= results <= 100 or not 1 <= breaching <= results:
        raise Refused("QueryResultsToEvaluate must be 1 to 100, and QueryResultsToAlarm no more")
    if asked.get("ComparisonOperator") not in OPERATORS:
        raise Refused("ComparisonOperator is not one of a log alarm")
    if not isinstance(asked.get("Threshold"), (int, float)):
        raise Refused("Threshold is missing")
    if asked.get("TreatMissingData", "missing") not in ("missing", "notBreaching", "breaching", "ignore"):
        raise Refused("TreatMissingData is not known")
    if any(len(asked.get(kind, [])) > 5 for kind in ACTIONS):
        raise Refused("An alarm has at most 5 actions for a state")
    lines = asked.setdefault("ActionLogLineCount", 0)
    if not 0 <= lines <= 50 or (lines and not asked.get("ActionLogLineRoleArn")):
        raise Refused("ActionLogLineCount must be 0 to 50, and needs ActionLogLineRoleArn")
    now = datetime.datetime.now(datetime.timezone.utc)
    before = _ours(place).get(name)
    query["QueryARN"] = f"arn:aws:logs:{place[1]}:{place[0]}:scheduled-query:{name}"
    alarm = {key: value for key, value in asked.items() if key != "Tags"}
    alarm.setdefault("ActionsEnabled", True)
    alarm["AlarmArn"] = f"arn:aws:cloudwatch:{place[1]}:{place[0]}:alarm:{name}"
    alarm["AlarmConfigurationUpdatedTimestamp"] = now
    # Another query has no results yet; another threshold leaves the state.
    keeps = before and before["ScheduledQueryConfiguration"] == query
    for key, value in (
        ("StateValue", "INSUFFICIENT_DATA"),
        ("StateReason", "Unchecked: Initial alarm creation"),
        ("StateUpdatedTimestamp", now),
        ("StateTransitionedTimestamp", now),
    ):
        alarm[key] = before[key] if keeps else value
    _ours(place)[name] = alarm
    return {}


def _length(name, text, least, most):
    if not least <= len(text) <= most:
        raise Refused(f"{name} must have {least} to {most} characters")


def _role(arn, account):
    name = arn.rpartition("/")[2]
    roles = {role.name: role for role in iam_backends[account]["aws"].roles.values()}
    if name not in roles:
        raise Refused("The role defined for the scheduled query cannot be assumed by CloudWatch Logs")
    if "logs.amazonaws.com" not in str(roles[name].assume_role_policy_document):
        raise Refused("The role defined for the scheduled query cannot be assumed by CloudWatch Logs")


def _describe(asked, place, bridge):
    types = asked.get("AlarmTypes") or ["MetricAlarm"]
    if "LogAlarm" not in types:
        return None
    prefix, names = asked.get("AlarmNamePrefix", ""), asked.get("AlarmNames")
    found = [
        alarm
        for name, alarm in sorted(_ours(place).items())
        if name.startswith(prefix) and (names is None or name in names)
    ]
    others = [each for each in types if each != "LogAlarm"]
    status, text = bridge(_dumps({**asked, "AlarmTypes": others})) if others else (200, _dumps({}))
    document = cbor2.loads(text)
    if status == 200:
        document["LogAlarms"] = found
    return status, _dumps(document)


def _delete(asked, place, bridge):
    ours = [name for name in asked.get("AlarmNames", []) if name in _ours(place)]
    for name in ours:
        del _ours(place)[name]
    others = [name for name in asked.get("AlarmNames", []) if name not in ours]
    return bridge(_dumps({**asked, "AlarmNames": others})) if others else {}


def _set_state(asked, place, _):
    alarm = _ours(place).get(asked["AlarmName"])
    if alarm is None:
        return None
    now = datetime.datetime.now(datetime.timezone.utc)
    alarm.update(
        StateValue=asked["StateValue"],
        StateReason=asked.get("StateReason", ""),
        StateUpdatedTimestamp=now,
        StateTransitionedTimestamp=now,
    )
    # What a service tells of a query that fails; a test says so in the reason.
    if alarm["StateReason"].startswith("EVALUATION_ERROR"):
        alarm["EvaluationState"] = "EVALUATION_ERROR"
    else:
        alarm.pop("EvaluationState", None)
    return {}


def _switch(enabled):
    def handler(asked, place, bridge):
        ours = [name for name in asked.get("AlarmNames", []) if name in _ours(place)]
        for name in ours:
            _ours(place)[name]["ActionsEnabled"] = enabled
        others = [name for name in asked.get("AlarmNames", []) if name not in ours]
        return bridge(_dumps({**asked, "AlarmNames": others})) if others else {}

    return handler


def _history(asked, place, _):
    return {"AlarmHistoryItems": []} if asked.get("AlarmName") in _ours(place) else None


_HANDLERS = {
    "PutLogAlarm": _put,
    "DescribeAlarms": _describe,
    "DeleteAlarms": _delete,
    "SetAlarmState": _set_state,
    "EnableAlarmActions": _switch(True),
    "DisableAlarmActions": _switch(False),
    "DescribeAlarmHistory": _history,
}
