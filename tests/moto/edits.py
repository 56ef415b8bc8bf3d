"""What somebody may change by hand in what pgvigil made: one edit for each field that AWS lets people edit.

    edits.py BASE       prints the table as one line of JSON: [[address, path], ...] and then makes the edit whose
                        number stands on each line of stdin, and answers `ok`, or what went wrong

`path` is where the edit shows in a document. One that ends with `.*` is a structure of which every text is edited at once.
"""

import io
import json
import sys
import traceback
import zipfile

import boto3

REGION = "eu-central-1"
BASE = sys.argv[1] if len(sys.argv) > 1 else ""
CLUSTER = "orders"
ACCOUNT = "123456789012"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:{BASE}"
QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:elsewhere"
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{BASE}"
ALARM = f"{BASE}-human-dml"
CLUSTER_LOG = f"/aws/rds/cluster/{CLUSTER}/postgresql"
OWN_LOG = f"/aws/lambda/{BASE}"
ALIAS = f"alias/{BASE}"

_clients = {}


def client(service):
    return _clients.setdefault(service, boto3.client(service, region_name=REGION))


def edited(value, key=None):
    """The value with another text or number wherever one stands; what names a statement or its effect stays."""
    if isinstance(value, dict):
        return {name: edited(part, name) for name, part in value.items()}
    if isinstance(value, list):
        return [edited(part, key) for part in value]
    if key in ("Sid", "Effect", "Version"):
        return value
    if isinstance(value, bool):
        return not value
    if isinstance(value, (int, float)):
        return value + 1
    if key == "AWS" or key == "Service":
        return "sqs.amazonaws.com" if key == "Service" else "arn:aws:iam::123456789012:user/somebody"
    return value + "x"


# Log groups


def retention(name):
    client("logs").put_retention_policy(logGroupName=name, retentionInDays=7)


def group_tags(**tags):
    arn = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{OWN_LOG}"
    client("logs").tag_resource(resourceArn=arn, tags={key.replace("__", ":"): value for key, value in tags.items()})


# Keys


def key():
    return client("kms").describe_key(KeyId=ALIAS)["KeyMetadata"]["KeyId"]


def key_policy():
    policy = json.loads(client("kms").get_key_policy(KeyId=key(), PolicyName="default")["Policy"])
    client("kms").put_key_policy(KeyId=key(), PolicyName="default", Policy=json.dumps(edited(policy)))


def grant():
    client("kms").create_grant(
        KeyId=key(), GranteePrincipal=f"arn:aws:iam::{ACCOUNT}:role/somebody", Operations=["Decrypt"]
    )


def key_tag(name):
    client("kms").tag_resource(KeyId=key(), Tags=[{"TagKey": name, "TagValue": "somebody"}])


def alias():
    other = client("kms").create_key()["KeyMetadata"]["KeyId"]
    client("kms").update_alias(AliasName=ALIAS, TargetKeyId=other)


# Topics and subscriptions


def topic(name, value):
    client("sns").set_topic_attributes(TopicArn=TOPIC, AttributeName=name, AttributeValue=value)


def topic_policy():
    policy = json.loads(client("sns").get_topic_attributes(TopicArn=TOPIC)["Attributes"]["Policy"])
    topic("Policy", json.dumps(edited(policy)))


def subscription(protocol, name, value):
    for one in client("sns").list_subscriptions_by_topic(TopicArn=TOPIC)["Subscriptions"]:
        if one["Protocol"] == protocol:
            client("sns").set_subscription_attributes(
                SubscriptionArn=one["SubscriptionArn"], AttributeName=name, AttributeValue=json.dumps(value)
            )


def delivery_policy():
    for one in client("sns").list_subscriptions_by_topic(TopicArn=TOPIC)["Subscriptions"]:
        if one["Protocol"] == "https":
            arn = one["SubscriptionArn"]
            found = client("sns").get_subscription_attributes(SubscriptionArn=arn)["Attributes"]["DeliveryPolicy"]
            subscription("https", "DeliveryPolicy", edited(json.loads(found)))


# Roles


def role(**changes):
    client("iam").update_role(RoleName=BASE, **changes)


def description():
    return client("iam").get_role(RoleName=BASE)["Role"]["Description"]


def trust():
    policy = client("iam").get_role(RoleName=BASE)["Role"]["AssumeRolePolicyDocument"]
    changed = edited(policy)
    # IAM takes only its own actions here.
    changed["Statement"][0]["Action"] = "sts:AssumeRoleWithSAML"
    client("iam").update_assume_role_policy(RoleName=BASE, PolicyDocument=json.dumps(changed))


def role_policy():
    policy = client("iam").get_role_policy(RoleName=BASE, PolicyName="monitor")["PolicyDocument"]
    for statement in policy["Statement"]:
        for name in ("Action", "Resource", "Condition"):
            if name in statement:
                value = statement[name]
                # IAM takes only what looks like an action and like an ARN.
                wild = value == "*" or value == ["*"]
                statement[name] = "arn:aws:s3:::somebody" if name == "Resource" and wild else edited(value)
    client("iam").put_role_policy(RoleName=BASE, PolicyName="monitor", PolicyDocument=json.dumps(policy))


def managed_policy():
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
    try:
        arn = client("iam").create_policy(PolicyName="somebody", PolicyDocument=json.dumps(document))["Policy"]["Arn"]
    except client("iam").exceptions.EntityAlreadyExistsException:
        arn = f"arn:aws:iam::{ACCOUNT}:policy/somebody"
    return arn


# The function


def function(**changes):
    client("lambda").update_function_configuration(FunctionName=BASE, **changes)


def variables(**changes):
    now = client("lambda").get_function_configuration(FunctionName=BASE)["Environment"]["Variables"]
    function(Environment={"Variables": {**now, **changes}})


def code(**more):
    """Other code, or the same for another processor."""
    if more:
        with open("pgvigil-monitor-arm64.zip", "rb") as package:
            client("lambda").update_function_code(FunctionName=BASE, ZipFile=package.read(), **more)
        return
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr(zipfile.ZipInfo("bootstrap"), "somebody's")
    client("lambda").update_function_code(FunctionName=BASE, ZipFile=package.getvalue())


def layer(name="somebody", beside=False):
    """A layer of somebody's, in the place of ours or beside it; or other contents in a version of ours."""
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("layer", "somebody's")
    made = client("lambda").publish_layer_version(LayerName=name, Content={"ZipFile": package.getvalue()})
    now = client("lambda").get_function_configuration(FunctionName=BASE).get("Layers", []) if beside else []
    function(Layers=[each["Arn"] for each in now] + [made["LayerVersionArn"]])


def own_layer():
    now = client("lambda").get_function_configuration(FunctionName=BASE)["Layers"]
    return now[0]["Arn"].split(":")[6]


def network():
    subnet = client("ec2").describe_subnets()["Subnets"][0]["SubnetId"]
    group = client("ec2").describe_security_groups()["SecurityGroups"][0]["GroupId"]
    function(VpcConfig={"SubnetIds": [subnet], "SecurityGroupIds": [group]})


def other_role():
    document = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}],
    }
    made = client("iam").create_role(RoleName="somebody", AssumeRolePolicyDocument=json.dumps(document))
    function(Role=made["Role"]["Arn"])


def invoke(**changes):
    now = {"MaximumRetryAttempts": 2, "MaximumEventAgeInSeconds": 3600}
    client("lambda").put_function_event_invoke_config(FunctionName=BASE, **{**now, **changes})


def function_tag(name):
    client("lambda").tag_resource(Resource=FUNCTION, Tags={name: "somebody"})


def permission(**changes):
    policy = json.loads(client("lambda").get_policy(FunctionName=BASE)["Policy"])
    statement = policy["Statement"][0]
    wanted = {
        "Action": statement["Action"],
        "Principal": "events.amazonaws.com",
        "SourceArn": statement["Condition"]["ArnLike"]["AWS:SourceArn"],
        "SourceAccount": ACCOUNT,
        **changes,
    }
    client("lambda").remove_permission(FunctionName=BASE, StatementId=statement["Sid"])
    client("lambda").add_permission(FunctionName=BASE, StatementId=statement["Sid"], **wanted)


# Alarms, the dashboard, the saved query, the schedule

READ_ONLY = ("AlarmArn", "AlarmConfigurationUpdatedTimestamp", "State")


def alarm(**changes):
    found = client("cloudwatch").describe_alarms(AlarmNames=[ALARM])["MetricAlarms"][0]
    kept = {name: value for name, value in found.items() if not name.startswith(READ_ONLY)}
    kept.update(changes)
    client("cloudwatch").put_metric_alarm(**{name: value for name, value in kept.items() if value is not None})


def dashboard():
    body = json.loads(client("cloudwatch").get_dashboard(DashboardName=BASE)["DashboardBody"])
    client("cloudwatch").put_dashboard(DashboardName=BASE, DashboardBody=json.dumps(edited(body)))


def query(**changes):
    found = client("logs").describe_query_definitions(queryDefinitionNamePrefix=f"pgvigil/{BASE}")["queryDefinitions"][0]
    wanted = {name: found[name] for name in ("queryDefinitionId", "name", "logGroupNames", "queryString")}
    client("logs").put_query_definition(**{**wanted, **changes})


def rule(**changes):
    found = client("events").describe_rule(Name=BASE)
    names = ("Name", "Description", "ScheduleExpression", "State", "EventPattern")
    client("events").put_rule(**{**{name: found[name] for name in names if name in found}, **changes})


def target(**changes):
    found = client("events").list_targets_by_rule(Rule=BASE)["Targets"][0]
    client("events").put_targets(Rule=BASE, Targets=[{**found, **changes}])


EDITS = [
    (f"log-group{CLUSTER_LOG}", "retention_days", lambda: retention(CLUSTER_LOG)),
    (f"log-group{OWN_LOG}", "retention_days", lambda: retention(OWN_LOG)),
    (f"log-group{OWN_LOG}", "tags.pgvigil:cluster", lambda: group_tags(pgvigil__cluster="x")),
    (f"log-group{OWN_LOG}", "tags.pgvigil:environment", lambda: group_tags(pgvigil__environment="x")),
    (f"log-group{OWN_LOG}", "tags.added", lambda: group_tags(added="x")),
    (f"kms-key/{BASE}", "description", lambda: client("kms").update_key_description(KeyId=key(), Description="x")),
    (f"kms-key/{BASE}", "enabled", lambda: client("kms").disable_key(KeyId=key())),
    (f"kms-key/{BASE}", "enabled", lambda: client("kms").schedule_key_deletion(KeyId=key(), PendingWindowInDays=7)),
    (f"kms-key/{BASE}", "grants", grant),
    (f"kms-key/{BASE}", "rotation.*", lambda: client("kms").disable_key_rotation(KeyId=key())),
    (
        f"kms-key/{BASE}",
        "rotation.period_days",
        lambda: client("kms").enable_key_rotation(KeyId=key(), RotationPeriodInDays=2560),
    ),
    (f"kms-key/{BASE}", "policy.*", key_policy),
    (f"kms-key/{BASE}", "tags.added", lambda: key_tag("added")),
    (
        f"kms-key/{BASE}",
        "tags.pgvigil:cluster",
        lambda: client("kms").untag_resource(KeyId=key(), TagKeys=["pgvigil:cluster"]),
    ),
    (
        f"kms-key/{BASE}",
        "tags.pgvigil:environment",
        lambda: client("kms").untag_resource(KeyId=key(), TagKeys=["pgvigil:environment"]),
    ),
    (f"kms-alias/{ALIAS}", "target", alias),
    (f"sns-topic/{BASE}", "display_name", lambda: topic("DisplayName", "x")),
    (f"sns-topic/{BASE}", "kms_key", lambda: topic("KmsMasterKeyId", "alias/aws/sns")),
    (f"sns-topic/{BASE}", "kms_key", lambda: topic("KmsMasterKeyId", "")),
    (f"sns-topic/{BASE}", "policy.*", topic_policy),
    (f"sns-topic/{BASE}", "signature_version", lambda: topic("SignatureVersion", "1")),
    (f"sns-topic/{BASE}", "tracing", lambda: topic("TracingConfig", "Active")),
    (
        f"sns-topic/{BASE}",
        "tags.pgvigil:cluster",
        lambda: client("sns").tag_resource(ResourceArn=TOPIC, Tags=[{"Key": "pgvigil:cluster", "Value": "x"}]),
    ),
    (
        f"sns-topic/{BASE}",
        "tags.pgvigil:environment",
        lambda: client("sns").untag_resource(ResourceArn=TOPIC, TagKeys=["pgvigil:environment"]),
    ),
    (
        f"sns-topic/{BASE}",
        "tags.added",
        lambda: client("sns").tag_resource(ResourceArn=TOPIC, Tags=[{"Key": "added", "Value": "x"}]),
    ),
    ("sns-subscription:https", "delivery_policy.*", delivery_policy),
    ("sns-subscription:https", "filter_policy", lambda: subscription("https", "FilterPolicy", {"a": ["b"]})),
    ("sns-subscription:https", "raw_message_delivery", lambda: subscription("https", "RawMessageDelivery", True)),
    (
        "sns-subscription:https",
        "redrive_policy",
        lambda: subscription("https", "RedrivePolicy", {"deadLetterTargetArn": QUEUE}),
    ),
    ("sns-subscription:email", "filter_policy", lambda: subscription("email", "FilterPolicy", {"a": ["b"]})),
    (
        "sns-subscription:email",
        "redrive_policy",
        lambda: subscription("email", "RedrivePolicy", {"deadLetterTargetArn": QUEUE}),
    ),
    (f"iam-role/{BASE}", "description", lambda: role(Description="x")),
    (f"iam-role/{BASE}", "max_session_seconds", lambda: role(Description=description(), MaxSessionDuration=7200)),
    (
        f"iam-role/{BASE}",
        "managed_policies",
        lambda: client("iam").attach_role_policy(RoleName=BASE, PolicyArn=managed_policy()),
    ),
    (
        f"iam-role/{BASE}",
        "permissions_boundary",
        lambda: client("iam").put_role_permissions_boundary(RoleName=BASE, PermissionsBoundary=managed_policy()),
    ),
    (f"iam-role/{BASE}", "trust_policy.*", trust),
    (
        f"iam-role/{BASE}",
        "tags.pgvigil:cluster",
        lambda: client("iam").tag_role(RoleName=BASE, Tags=[{"Key": "pgvigil:cluster", "Value": "x"}]),
    ),
    (
        f"iam-role/{BASE}",
        "tags.pgvigil:environment",
        lambda: client("iam").untag_role(RoleName=BASE, TagKeys=["pgvigil:environment"]),
    ),
    (
        f"iam-role/{BASE}",
        "tags.added",
        lambda: client("iam").tag_role(RoleName=BASE, Tags=[{"Key": "added", "Value": "x"}]),
    ),
    (f"iam-role-policy/{BASE}/monitor", "policy.*", role_policy),
    (f"lambda-function/{BASE}", "description", lambda: function(Description="x")),
    (f"lambda-function/{BASE}", "code.sha256", code),
    (f"lambda-function/{BASE}", "architectures", lambda: code(Architectures=["x86_64"])),
    (f"lambda-function/{BASE}", "runtime", lambda: function(Runtime="provided.al2")),
    (f"lambda-function/{BASE}", "handler", lambda: function(Handler="x")),
    (f"lambda-function/{BASE}", "memory_mb", lambda: function(MemorySize=1024)),
    (f"lambda-function/{BASE}", "ephemeral_storage_mb", lambda: function(EphemeralStorage={"Size": 1024})),
    (f"lambda-function/{BASE}", "timeout_seconds", lambda: function(Timeout=3)),
    (
        f"lambda-function/{BASE}",
        "reserved_concurrency",
        lambda: client("lambda").put_function_concurrency(FunctionName=BASE, ReservedConcurrentExecutions=0),
    ),
    (
        f"lambda-function/{BASE}",
        "reserved_concurrency",
        lambda: client("lambda").delete_function_concurrency(FunctionName=BASE),
    ),
    (f"lambda-function/{BASE}", "role", other_role),
    (f"lambda-function/{BASE}", "environment.ADDED", lambda: variables(ADDED="hunter2")),
    (f"lambda-function/{BASE}", "layers", layer),
    (f"lambda-function/{BASE}", "layers", lambda: layer(beside=True)),
    (f"lambda-function/{BASE}", "layers", lambda: layer(own_layer())),
    (f"lambda-function/{BASE}", "layers", lambda: function(Layers=[])),
    (f"lambda-function/{BASE}", "vpc.*", network),
    (f"lambda-function/{BASE}", "dead_letter", lambda: function(DeadLetterConfig={"TargetArn": QUEUE})),
    (
        f"lambda-function/{BASE}",
        "kms_key",
        lambda: function(KMSKeyArn=f"arn:aws:kms:{REGION}:{ACCOUNT}:key/somebody"),
    ),
    (f"lambda-function/{BASE}", "tracing", lambda: function(TracingConfig={"Mode": "Active"})),
    (
        f"lambda-function/{BASE}",
        "logging.format",
        lambda: function(LoggingConfig={"LogFormat": "Text", "LogGroup": OWN_LOG}),
    ),
    (
        f"lambda-function/{BASE}",
        "logging.log_group",
        lambda: function(LoggingConfig={"LogFormat": "JSON", "LogGroup": "/somebody"}),
    ),
    (f"lambda-function/{BASE}", "retries.maximum_attempts", lambda: invoke(MaximumRetryAttempts=0)),
    (f"lambda-function/{BASE}", "retries.maximum_event_age_seconds", lambda: invoke(MaximumEventAgeInSeconds=60)),
    (f"lambda-function/{BASE}", "tags.added", lambda: function_tag("added")),
    (f"alarm/{ALARM}", "description", lambda: alarm(AlarmDescription="x")),
    (f"alarm/{ALARM}", "namespace", lambda: alarm(Namespace="x")),
    (f"alarm/{ALARM}", "metric", lambda: alarm(MetricName="x")),
    (f"alarm/{ALARM}", "dimensions.*", lambda: alarm(Dimensions=[])),
    (f"alarm/{ALARM}", "period_seconds", lambda: alarm(Period=60)),
    (f"alarm/{ALARM}", "unit", lambda: alarm(Unit="Percent")),
    (f"alarm/{ALARM}", "actions_enabled", lambda: alarm(ActionsEnabled=False)),
    (f"alarm/{ALARM}", "alarm_actions", lambda: alarm(AlarmActions=[])),
    (f"alarm/{ALARM}", "ok_actions", lambda: alarm(OKActions=[])),
    (f"alarm/{ALARM}", "insufficient_data_actions", lambda: alarm(InsufficientDataActions=[TOPIC])),
    (f"alarm/{ALARM}", "statistic", lambda: alarm(Statistic="Minimum")),
    (f"alarm/{ALARM}", "statistic", lambda: alarm(Statistic=None, ExtendedStatistic="p99")),
    (f"alarm/{ALARM}", "evaluation_periods", lambda: alarm(EvaluationPeriods=9)),
    (f"alarm/{ALARM}", "datapoints_to_alarm", lambda: alarm(DatapointsToAlarm=2)),
    (f"alarm/{ALARM}", "comparison", lambda: alarm(ComparisonOperator="LessThanThreshold")),
    (f"alarm/{ALARM}", "threshold", lambda: alarm(Threshold=9.5)),
    (f"alarm/{ALARM}", "missing_data", lambda: alarm(TreatMissingData="ignore")),
    (f"dashboard/{BASE}", "body.*", dashboard),
    (f"saved-query/pgvigil/{BASE}", "language", lambda: query(queryLanguage="SQL")),
    (f"saved-query/pgvigil/{BASE}", "log_groups", lambda: query(logGroupNames=[OWN_LOG])),
    (f"saved-query/pgvigil/{BASE}", "query", lambda: query(queryString="fields @message")),
    ("lambda-permission", "action", lambda: permission(Action="lambda:*")),
    ("lambda-permission", "principal", lambda: permission(Principal="s3.amazonaws.com")),
    ("lambda-permission", "source_arn", lambda: permission(SourceArn=f"arn:aws:events:{REGION}:{ACCOUNT}:rule/x")),
    ("lambda-permission", "source_account", lambda: permission(SourceAccount="210987654321")),
    (f"event-rule/{BASE}", "description", lambda: rule(Description="x")),
    (f"event-rule/{BASE}", "event_pattern", lambda: rule(EventPattern='{"source":["aws.s3"]}')),
    (f"event-rule/{BASE}", "schedule", lambda: rule(ScheduleExpression="rate(1 day)")),
    (f"event-rule/{BASE}", "state", lambda: client("events").disable_rule(Name=BASE)),
    (f"event-target/{BASE}/monitor", "target", lambda: target(Arn=QUEUE)),
    (f"event-target/{BASE}/monitor", "input", lambda: target(Input='{"a":1}')),
    (f"event-target/{BASE}/monitor", "input_path", lambda: target(InputPath="$.detail")),
    (
        f"event-target/{BASE}/monitor",
        "input_transformer",
        lambda: target(InputTransformer={"InputTemplate": '{"a": 1}', "InputPathsMap": {}}),
    ),
    (f"event-target/{BASE}/monitor", "role", lambda: target(RoleArn=f"arn:aws:iam::{ACCOUNT}:role/x")),
    (f"event-target/{BASE}/monitor", "dead_letter", lambda: target(DeadLetterConfig={"Arn": QUEUE})),
    (
        f"event-target/{BASE}/monitor",
        "retries.maximum_attempts",
        lambda: target(RetryPolicy={"MaximumRetryAttempts": 1, "MaximumEventAgeInSeconds": 3600}),
    ),
    (
        f"event-target/{BASE}/monitor",
        "retries.maximum_event_age_seconds",
        lambda: target(RetryPolicy={"MaximumRetryAttempts": 185, "MaximumEventAgeInSeconds": 60}),
    ),
]

# Every variable of the function by itself, and every tag that it and the key bear.
for _name in (
    "LOG_GROUP_NAME METRIC_NAMESPACE QUERY_WINDOW_MINUTES PGVIGIL_RULES_DIGEST".split() if not BASE else
    client("lambda").get_function_configuration(FunctionName=BASE)["Environment"]["Variables"]
):
    EDITS.append(
        (f"lambda-function/{BASE}", f"environment.{_name}", lambda _name=_name: variables(**{_name: "x"}))
    )
for _name in ("cluster", "environment", "policy", "rules"):
    EDITS.append(
        (f"lambda-function/{BASE}", f"tags.pgvigil:{_name}", lambda _name=_name: function_tag(f"pgvigil:{_name}"))
    )


def main():
    print(json.dumps([[address, path] for address, path, _ in EDITS]), flush=True)
    for line in sys.stdin:
        try:
            EDITS[int(line)][2]()
            print("ok", flush=True)
        except Exception as error:
            print(f"{type(error).__name__}: {error} {traceback.format_exc()[-300:]!r}", flush=True)


if __name__ == "__main__":
    main()
