"""What CloudWatch does by itself and moto does not: alarms change their state, tell their topics, and keep a history.

Alarms are judged whenever somebody asks about them. A minute of a canary's alarm lasts one second, so that its end can
be waited for; all others go by the minute of the clock. A message is taken by the topic when the topic's policy admits
alarms and its key is enabled, and stands under GET /test/messages then.
"""

import datetime
import json
import math

from moto.cloudwatch import models, responses
from moto.core.responses import ActionResult, EmptyResult
from moto.kms.models import kms_backends
from moto.sns.models import sns_backends

UTC = datetime.timezone.utc
COMPARED = {
    "GreaterThanThreshold": lambda value, threshold: value > threshold,
    "GreaterThanOrEqualToThreshold": lambda value, threshold: value >= threshold,
    "LessThanThreshold": lambda value, threshold: value < threshold,
    "LessThanOrEqualToThreshold": lambda value, threshold: value <= threshold,
}
COUNTED = {
    "Maximum": max,
    "Minimum": min,
    "Sum": sum,
    "SampleCount": len,
    "Average": lambda values: sum(values) / len(values),
}

# Set by POST /test/alarms: {"judged": false} leaves every alarm as it is.
settings = {"judged": True}
messages = []


def patch():
    made, describe = models.Alarm.__init__, responses.CloudWatchResponse.describe_alarms

    def init(self, *positional, **named):
        made(self, *positional, **named)
        # An alarm that was never judged knows nothing.
        self.state_value, self.entries = "INSUFFICIENT_DATA", []

    def put(self, name, *positional, **named):
        # An update keeps the state, the time of it and the history.
        before = self.alarms.get(name)
        alarm = putting(self, name, *positional, **named)
        if before is not None:
            for field in ("state_value", "state_updated_timestamp", "entries"):
                setattr(alarm, field, getattr(before, field))
        return alarm

    def describe_alarms(self):
        judge(self.cloudwatch_backend)
        return describe(self)

    def describe_alarm_history(self):
        judge(self.cloudwatch_backend)
        alarm = self.cloudwatch_backend.alarms.get(self._get_param("AlarmName"))
        wanted, start = self._get_param("HistoryItemType"), self._get_param("StartDate")
        entries = list(alarm.entries) if alarm else []
        entries = [entry for entry in entries if wanted in (None, entry["HistoryItemType"])]
        entries = [entry for entry in entries if start is None or entry["Timestamp"] >= aware(start)]
        if self._get_param("ScanBy") != "TimestampAscending":
            entries.reverse()
        first, most = int(self._get_param("NextToken") or 0), int(self._get_param("MaxRecords") or 100)
        answer = {"AlarmHistoryItems": entries[first : first + most]}
        if first + most < len(entries):
            answer["NextToken"] = str(first + most)
        return ActionResult(answer)

    def switch(enabled):
        def handler(self):
            for name in self._get_param("AlarmNames", []):
                self.cloudwatch_backend.alarms[name].actions_enabled = enabled
            return EmptyResult()

        return handler

    putting = models.CloudWatchBackend.put_metric_alarm
    models.Alarm.__init__ = init
    models.CloudWatchBackend.put_metric_alarm = put
    responses.CloudWatchResponse.describe_alarms = describe_alarms
    responses.CloudWatchResponse.enable_alarm_actions = switch(True)
    responses.CloudWatchResponse.disable_alarm_actions = switch(False)
    responses.CloudWatchResponse.describe_alarm_history = describe_alarm_history


def aware(time):
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def judge(backend):
    if not settings["judged"]:
        return
    now = datetime.datetime.now(UTC)
    for alarm in list(backend.alarms.values()):
        if alarm.rule is None and alarm.metric_name:
            state = state_of(backend, alarm, now)
            if state != alarm.state_value:
                change(backend, alarm, state, now)


def state_of(backend, alarm, now):
    """By the last periods that are over, and the one that goes on where it has points already."""
    is_canary = "-canary-" in alarm.name
    period = alarm.period / 60 if is_canary else alarm.period
    count = alarm.evaluation_periods
    end = now.timestamp() if is_canary else math.ceil(now.timestamp() / period) * period
    points = [
        point
        for point in backend.metric_data
        if (point.namespace, point.name) == (alarm.namespace, alarm.metric_name)
        and sorted(point.dimensions) == sorted(alarm.dimensions)
    ]
    breaches, seen = 0, 0
    # The period that goes on is no reason to miss something.
    extra = 0 if is_canary else 1
    for number in range(count + extra):
        low, high = end - (number + 1) * period, end - number * period
        values = [float(point.value) for point in points if low < aware(point.timestamp).timestamp() <= high]
        if not values and number == 0 and extra:
            continue
        if values:
            seen += 1
            value = COUNTED[alarm.statistic](values)
            breaches += COMPARED[alarm.comparison_operator](value, alarm.threshold)
        elif alarm.treat_missing_data == "breaching":
            breaches += 1
    if breaches >= (alarm.datapoints_to_alarm or count):
        return "ALARM"
    if seen or alarm.treat_missing_data in ("breaching", "notBreaching"):
        return "OK"
    return alarm.state_value if alarm.treat_missing_data == "ignore" else "INSUFFICIENT_DATA"


def change(backend, alarm, state, now):
    before = alarm.state_value
    alarm.update_state(f"judged {state}", "{}", state)
    alarm.entries.append(
        {
            "AlarmName": alarm.name,
            "AlarmType": "MetricAlarm",
            "Timestamp": now,
            "HistoryItemType": "StateUpdate",
            "HistorySummary": f"Alarm updated from {before} to {state}",
            "HistoryData": json.dumps({"oldState": {"stateValue": before}, "newState": {"stateValue": state}}),
        }
    )
    by_state = {"ALARM": alarm.alarm_actions, "OK": alarm.ok_actions, "INSUFFICIENT_DATA": alarm.insufficient_data_actions}
    for action in by_state[state] or [] if alarm.actions_enabled else []:
        words = {"AlarmName": alarm.name, "AlarmDescription": alarm.description, "NewStateValue": state, "OldStateValue": before}
        published = {"default": json.dumps(words)}
        refused = why_refused(backend, action)
        if refused is None:
            messages.append({"topic": action, "alarm": alarm.name, "state": state, "at": now.timestamp()})
        result = f"Failed to execute action {action}. Received error: \"{refused}\"" if refused else f"Successfully executed action {action}"
        data = {
            "actionState": "Failed" if refused else "Succeeded",
            "notificationResource": action,
            "stateUpdateTimestamp": int(now.timestamp() * 1000),
            "publishedMessage": json.dumps(published),
            "error": refused,
        }
        alarm.entries.append(
            {
                "AlarmName": alarm.name,
                "AlarmType": "MetricAlarm",
                "Timestamp": now,
                "HistoryItemType": "Action",
                "HistorySummary": result,
                "HistoryData": json.dumps(data),
            }
        )


def why_refused(backend, arn):
    """The service's words when a topic does not take an alarm's message; `None` when it does."""
    topics = sns_backends[backend.account_id][backend.region_name].topics
    topic = topics.get(arn)
    if topic is None:
        return "Topic does not exist"
    if not any(admits(statement) for statement in json.loads(topic.policy)["Statement"]):
        return f"Resource: {arn} is not authorized: CloudWatch Alarms does not have permission to publish to it"
    key = topic.kms_master_key_id
    if key:
        keys = kms_backends[backend.account_id][backend.region_name]
        found = keys.describe_key(keys.any_id_to_key_id(key))
        if found.key_state != "Enabled":
            return f"KMS key is {found.key_state}"
    return None


def admits(statement):
    principal = statement.get("Principal")
    services = principal.get("Service", []) if isinstance(principal, dict) else []
    actions = statement.get("Action", [])
    actions = [actions] if isinstance(actions, str) else actions
    return (
        statement["Effect"] == "Allow"
        and "cloudwatch.amazonaws.com" in ([services] if isinstance(services, str) else services)
        and any(action.lower() in ("sns:publish", "sns:*") for action in actions)
    )
