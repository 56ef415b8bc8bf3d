"""What a plain handler in Python costs: one query over the last window, polled every two seconds, and one count.

    handler.py           runs the handler once, as a cold start does, prints its answer, and ends when stdin does

Written for the measurement in tests/integration/monitor_cost.rs, from what is known of such monitors: boto3, the window from
the clock, two metrics. Lambda's own part of a Python runtime is left out.
"""

import json
import os
import sys
import time

import boto3

GROUP = os.environ["LOG_GROUP_NAME"]
NAMESPACE = os.environ["METRIC_NAMESPACE"]
MINUTES = int(os.environ["QUERY_WINDOW_MINUTES"])
QUERY = "fields @timestamp, @message\n| filter @message like /AUDIT:/\n| stats count(*) as operations"

logs = boto3.client("logs")
cloudwatch = boto3.client("cloudwatch")


def publish(name, value, **dimensions):
    dimensions = [{"Name": key, "Value": text} for key, text in {"LogGroup": GROUP, **dimensions}.items()]
    datum = {"MetricName": name, "Dimensions": dimensions, "Value": value, "Unit": "Count"}
    cloudwatch.put_metric_data(Namespace=NAMESPACE, MetricData=[datum])


def handler(_event, _context):
    until = int(time.time())
    query = logs.start_query(
        logGroupName=GROUP, startTime=until - MINUTES * 60, endTime=until, queryString=QUERY
    )["queryId"]
    for _ in range(30):
        time.sleep(2)
        answer = logs.get_query_results(queryId=query)
        if answer["status"] == "Complete":
            break
    else:
        raise RuntimeError("no result")
    fields = {field["field"]: field["value"] for row in answer["results"] for field in row}
    count = int(float(fields.get("operations", 0)))
    publish("UserDMLOperationCount", count, OperationType="UserDMLFiltered")
    publish("MonitorExecutionErrors", 0)
    return {"operationCount": count, "window": MINUTES, "logGroup": GROUP}


print(json.dumps(handler({}, None)), flush=True)
sys.stdin.read()
