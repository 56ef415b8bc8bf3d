"""What moto 5.2.1 lacks and the tests need: saved queries, fields that it drops, revisions of functions, the account's limits
of Lambda, the address of a layer's content, subscriptions that nobody confirms and the masks of their passwords, CloudTrail's events out of the calls made, IAM's simulation, and states of databases."""

import datetime
import fnmatch
import json
import re
import threading
import uuid

from moto.awslambda import exceptions, models, responses
from moto.core.responses import ActionResult
from moto.iam import responses as iam
from moto.iam.models import get_account_id_from
from moto.rds import models as rds
from moto.kms import responses as kms
from moto.sns import responses as sns

import contract

# Where this server listens: the addresses that it hands out lead here.
endpoint = ""

_lock = threading.Lock()
_queries = {}

# What Lambda allows an account: concurrent runs of all functions, and what it leaves unreserved of them at least. An account
# of before 2023 has these; new ones have 10 and 10.
_USUAL = {"concurrency": 1000, "unreserved": 100}
limits = dict(_USUAL)


def patch():
    """Mends moto where it answers otherwise than AWS."""
    _functions()
    _concurrency()
    _layers()
    _topics()
    _roles()
    _databases()
    _rotation()


def reset():
    """Forgets what is kept here beside moto."""
    with _lock:
        _queries.clear()
        limits.update(_USUAL)


# What CreateFunction and UpdateFunctionConfiguration take and GetFunction returns.
_KEPT = ("LoggingConfig", "DeadLetterConfig", "KMSKeyArn", "TracingConfig", "EphemeralStorage")


def _functions():
    made, configured = models.LambdaFunction.__init__, models.LambdaFunction.get_configuration
    coded, updated = models.LambdaFunction._set_function_code, models.LambdaFunction.update_configuration

    def init(self, account_id, spec, region, version=1):
        self.kept, self.revision = {}, str(uuid.uuid4())
        made(self, account_id, spec, region, version)
        self.kept.update({key: spec[key] for key in _KEPT if key in spec})

    def expect(self, spec):
        if spec.get("RevisionId") not in (None, self.revision):
            raise exceptions.PreconditionFailedException(
                "The Revision Id provided does not match the latest Revision Id."
            )

    def code(self, spec):
        if spec is not self.code and "ZipFile" in spec:
            # moto sets the code twice for one call.
            if spec.get("RevisionId") != self.kept.get("coded_from"):
                expect(self, spec)
            self.kept["coded_from"] = spec.get("RevisionId")
            self.revision = str(uuid.uuid4())
            if "Architectures" in spec:
                self.architectures = spec["Architectures"]
        coded(self, spec)

    def update(self, spec):
        expect(self, spec)
        self.revision = str(uuid.uuid4())
        self.kept.update({key: spec[key] for key in _KEPT if key in spec})
        return updated(self, spec)

    def configuration(self, on_create=False):
        answer = configured(self, on_create)
        answer["RevisionId"] = self.revision
        answer.setdefault("LoggingConfig", {"LogFormat": "Text", "LogGroup": f"/aws/lambda/{self.function_name}"})
        for key, value in self.kept.items():
            if key in _KEPT and value not in ("", {"TargetArn": ""}):
                answer[key] = value
        return answer

    def whole(self):
        answer = got(self)
        # None at all is one too.
        if self.reserved_concurrency == 0:
            answer["Concurrency"] = {"ReservedConcurrentExecutions": 0}
        return answer

    got = models.LambdaFunction.get_code
    models.LambdaFunction.get_code = whole
    def put_function_event_invoke_config(self, function_name, config):
        # moto answers with the oldest.
        self.get_function(function_name).event_invoke_config.clear()
        return retried(self, function_name, config)

    retried = models.LambdaBackend.put_function_event_invoke_config
    models.LambdaBackend.put_function_event_invoke_config = put_function_event_invoke_config
    models.LambdaFunction.__init__ = init
    models.LambdaFunction._set_function_code = code
    models.LambdaFunction.update_configuration = update
    models.LambdaFunction.get_configuration = configuration


def _reserved(backend, but=None):
    """Runs that are reserved for one function or another."""
    functions = {each.function_name: each for each in backend.list_functions()}.values()
    return sum(int(each.reserved_concurrency or 0) for each in functions if each.function_name != but)


def _concurrency():
    """A reservation that leaves too little for other functions is refused, in the service's words."""

    def put_function_concurrency(self, function_name, reserved_concurrency):
        function = self.get_function(function_name)
        left = limits["concurrency"] - _reserved(self, function.function_name) - int(reserved_concurrency)
        if left < limits["unreserved"]:
            raise exceptions.InvalidParameterValueException(
                "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution "
                f"below its minimum value of [{limits['unreserved']}]."
            )
        function.reserved_concurrency = reserved_concurrency
        return reserved_concurrency

    models.LambdaBackend.put_function_concurrency = put_function_concurrency


def _account_settings(_, place, __):
    account, region = place
    backend = models.lambda_backends[account][region]
    functions = list(backend.list_functions())
    return 200, held(
        "lambda",
        "GetAccountSettings",
        {
            "AccountLimit": {
                "TotalCodeSize": 80_530_636_800,
                "CodeSizeUnzipped": 262_144_000,
                "CodeSizeZipped": 52_428_800,
                "ConcurrentExecutions": limits["concurrency"],
                "UnreservedConcurrentExecutions": limits["concurrency"] - _reserved(backend),
            },
            "AccountUsage": {"TotalCodeSize": sum(getattr(each, "code_size", 0) for each in functions), "FunctionCount": len(functions)},
        },
    )


def held(service, operation, answer):
    """An answer of this file, held to the service's model."""
    misfits = contract.misfits(contract.model(service).operation_model(operation).output_shape, answer, operation)
    if misfits:
        raise TypeError(misfits)
    return answer


# Where the contents of layers are: `/test/layers/ACCOUNT/REGION/NAME/VERSION?Signature=…`.
LAYERS = "/test/layers/"


def _layers():
    """GetLayerVersion and PublishLayerVersion hand out an address of the content; ListLayerVersions tells nothing of it."""
    described = models.LayerVersion.get_layer_version

    def get_layer_version(self):
        answer = described(self)
        place = f"{self.account_id}/{self.region}/{self.name}/{self.version}"
        answer["Content"]["Location"] = f"{endpoint}{LAYERS}{place}?Signature=hunter2"
        return answer

    def list_layer_versions(self):
        answer = json.loads(listed(self))
        for version in answer["LayerVersions"]:
            del version["Content"], version["LayerArn"]
        return json.dumps(answer)

    listed = responses.LambdaResponse.list_layer_versions
    models.LayerVersion.get_layer_version = get_layer_version
    responses.LambdaResponse.list_layer_versions = list_layer_versions


def layer(path):
    """The content of a version of a layer; `None` when there is none."""
    account, region, name, version = path.removeprefix(LAYERS).split("/")
    try:
        return models.lambda_backends[account][region].get_layer_version(name, version).code_bytes
    except exceptions.UnknownLayerException:
        return None


def masked(endpoint):
    """An endpoint without its password, as SNS lists it (Terraform's acceptance tests run on AWS and expect four asterisks)."""
    return re.sub(r"^(https?://[^/?#:@]*:)[^/?#]*@", r"\1****@", endpoint)


def _topics():
    attributes = sns.SNSResponse.get_topic_attributes
    listed = sns.SNSResponse.list_subscriptions_by_topic

    def get_topic_attributes(self):
        answer = attributes(self)
        topic = self.backend.get_topic(self._get_param("TopicArn"))
        for name, field in (("SignatureVersion", "signature_version"), ("TracingConfig", "tracing_config")):
            value = getattr(topic, field, None)
            if value:
                answer.result["Attributes"][name] = value
        return answer

    def list_subscriptions_by_topic(self):
        answer = listed(self)
        members = []
        for subscription in answer.result["Subscriptions"]:
            member = {
                "SubscriptionArn": subscription.arn,
                "Owner": subscription.account_id,
                "Protocol": subscription.protocol,
                "Endpoint": masked(subscription.endpoint),
                "TopicArn": subscription.topic.arn,
            }
            # Nobody confirms such an address.
            if "unconfirmed" in member["Endpoint"]:
                member["SubscriptionArn"] = "PendingConfirmation"
            members.append(member)
        answer.result["Subscriptions"] = members
        return answer

    def get_subscription_attributes(self):
        answer = of_one(self)
        # A copy: moto answers with what it keeps.
        answer.result["Attributes"] = dict(answer.result["Attributes"])
        answer.result["Attributes"]["Endpoint"] = masked(answer.result["Attributes"]["Endpoint"])
        return answer

    of_one = sns.SNSResponse.get_subscription_attributes
    sns.SNSResponse.get_subscription_attributes = get_subscription_attributes
    sns.SNSResponse.get_topic_attributes = get_topic_attributes
    sns.SNSResponse.list_subscriptions_by_topic = list_subscriptions_by_topic


def _roles():
    def simulate_principal_policy(self):
        """By the role's inline policies alone. A condition other than StringEquals on the given context refuses."""
        name = self._get_param("PolicySourceArn").rpartition("/")[2]
        policies = self.backend.get_role(name).policies.values()
        statements = [each for policy in policies for each in _listed(json.loads(policy)["Statement"])]
        context = {entry["ContextKeyName"]: entry["ContextKeyValues"] for entry in self._get_param("ContextEntries", [])}
        results = []
        for action in self._get_param("ActionNames"):
            for resource in self._get_param("ResourceArns", ["*"]):
                matching = [each for each in statements if _is_about(each, action, resource, context)]
                effects = {each["Effect"] for each in matching}
                decision = "explicitDeny" if "Deny" in effects else "allowed" if effects else "implicitDeny"
                results.append({"EvalActionName": action, "EvalResourceName": resource, "EvalDecision": decision})
        return ActionResult({"EvaluationResults": results, "IsTruncated": False})

    iam.IamResponse.simulate_principal_policy = simulate_principal_policy


def _listed(value):
    return value if isinstance(value, list) else [value]


def _is_about(statement, action, resource, context):
    for operator, pairs in statement.get("Condition", {}).items():
        for key, wanted in pairs.items():
            if operator != "StringEquals" or not set(_listed(wanted)) & set(context.get(key, [])):
                return False
    return any(fnmatch.fnmatchcase(action.lower(), each.lower()) for each in _listed(statement["Action"])) and any(
        fnmatch.fnmatchcase(resource, each) for each in _listed(statement["Resource"])
    )


def _databases():
    """A static parameter waits for a reboot (`ApplyMethod` `pending-reboot`), and a cluster's logs are switched."""
    changed, rebooted = rds.RDSBackend.modify_db_cluster_parameter_group, rds.RDSBackend.reboot_db_instance
    modified = rds.RDSBackend.modify_db_cluster
    waiting = set()

    def modify_db_cluster_parameter_group(self, name, parameters):
        parameters = list(parameters)
        if any(each.get("ApplyMethod") == "pending-reboot" for each in parameters):
            for cluster in self.clusters.values():
                if cluster.parameter_group == name:
                    waiting.update(member.db_instance_identifier for member in cluster.members)
        return changed(self, name, parameters)

    def reboot_db_instance(self, db_instance_identifier):
        waiting.discard(db_instance_identifier)
        return rebooted(self, db_instance_identifier)

    def modify_db_cluster(self, kwargs):
        logs = kwargs.pop("cloudwatch_logs_export_configuration", None)
        if logs:
            cluster = self.clusters[kwargs["db_cluster_identifier"]]
            # A list of its own: moto shares the one it was made with.
            exports = set(cluster.enabled_cloudwatch_logs_exports)
            exports -= set(logs.get("DisableLogTypes", []))
            exports |= set(logs.get("EnableLogTypes", []))
            cluster.enabled_cloudwatch_logs_exports = sorted(exports)
        return modified(self, kwargs)

    def db_cluster_members(self):
        return [
            {
                "DBInstanceIdentifier": member.db_instance_identifier,
                "IsClusterWriter": member.is_cluster_writer,
                "DBClusterParameterGroupStatus": "pending-reboot" if member.db_instance_identifier in waiting else "in-sync",
                "PromotionTier": member.promotion_tier,
            }
            for member in self.members
        ]

    rds.RDSBackend.modify_db_cluster_parameter_group = modify_db_cluster_parameter_group
    rds.RDSBackend.reboot_db_instance = reboot_db_instance
    rds.RDSBackend.modify_db_cluster = modify_db_cluster
    rds.DBCluster.db_cluster_members = property(db_cluster_members)


def _rotation():
    """How often a key is rotated, which moto forgets."""
    enable, status = kms.KmsResponse.enable_key_rotation, kms.KmsResponse.get_key_rotation_status

    def key_of(self):
        backend = self.kms_backend
        return backend.keys[backend.get_key_id(self._get_param("KeyId"))]

    def enable_key_rotation(self):
        answered = enable(self)
        key_of(self).rotation_period = self._get_param("RotationPeriodInDays") or 365
        return answered

    def get_key_rotation_status(self):
        answer = json.loads(status(self))
        if answer["KeyRotationEnabled"]:
            answer["RotationPeriodInDays"] = getattr(key_of(self), "rotation_period", 365)
        return json.dumps(answer)

    kms.KmsResponse.enable_key_rotation = enable_key_rotation
    kms.KmsResponse.get_key_rotation_status = get_key_rotation_status


def answer(service, operation, region, access_key, environ, body, calls):
    """Status and document for an operation that moto does not know; `None` leaves the call to moto."""
    handler = _HANDLERS.get((service, operation))
    if handler is None:
        return None
    asked = json.loads(body or b"{}")
    with _lock:
        return handler(asked, (get_account_id_from(access_key), region), calls)


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
        # IAM's events stand in the partition's first region.
        region = "us-east-1" if call["service"] == "iam" else call["region"]
        if not call["writes"] or call["status"] not in (200, 201) or (get_account_id_from(call["access_key"]), region) != place:
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


# Saved queries, which no emulator has.
QUERIES = {
    ("logs", "DescribeQueryDefinitions"): _describe_queries,
    ("logs", "PutQueryDefinition"): _put_query,
    ("logs", "DeleteQueryDefinition"): _delete_query,
}

_HANDLERS = {
    **QUERIES,
    ("cloudtrail", "LookupEvents"): _lookup,
    ("lambda", "GetAccountSettings"): _account_settings,
}
