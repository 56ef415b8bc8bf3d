"""What changes a log group's entries before a query sees them, and what protects the group, of which moto 5.2.1 knows
nothing: data protection policies, transformers, account policies, classes, deletion protection. No entry is masked here.

Requests and answers are held against botocore's model of the service: see contract.py.
"""

import json
import threading

from moto.iam.models import get_account_id_from
from moto.logs import models

import contract

_lock = threading.Lock()
_places = {}
_model = contract.model("logs")

# A policy of the account takes criteria only where its type is one of these (PutAccountPolicy).
SELECTIVE = ("SUBSCRIPTION_FILTER_POLICY", "FIELD_INDEX_POLICY", "TRANSFORMER_POLICY")


class Refused(Exception):
    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


class Place:
    """An account in a region."""

    def __init__(self):
        self.masks, self.masked, self.transformers, self.classes, self.protected = {}, set(), {}, {}, set()
        self.policies = {}


def reset():
    with _lock:
        _places.clear()


def patch():
    """DescribeLogGroups tells of all this."""
    described = models.LogGroup.to_describe_dict

    def to_describe_dict(self):
        told = described(self)
        place = _places.get((self.account_id, self.region), Place())
        told["logGroupClass"] = place.classes.get(self.name, "STANDARD")
        told["deletionProtectionEnabled"] = self.name in place.protected
        if self.name in place.masked:
            told["dataProtectionStatus"] = "ACTIVATED" if self.name in place.masks else "DELETED"
        if any(policy["policyType"] == "DATA_PROTECTION_POLICY" for policy in place.policies.values()):
            told["inheritedProperties"] = ["ACCOUNT_DATA_PROTECTION"]
        _held(_model.shape_for("LogGroup"), told, "LogGroup")
        return told

    models.LogGroup.to_describe_dict = to_describe_dict


def answer(service, operation, region, access_key, body):
    """Status and document for an operation of these; `None` leaves the call to moto."""
    handler = _HANDLERS.get(operation) if service == "logs" else None
    if handler is None:
        return None
    asked = json.loads(body or b"{}")
    account = get_account_id_from(access_key)
    groups = models.logs_backends[account][region].groups
    with _lock:
        place = _places.setdefault((account, region), Place())
        try:
            _held(_model.operation_model(operation).input_shape, asked, "request")
            answered = handler(place, groups, asked)
        except Refused as refused:
            return 400, {"__type": refused.code, "message": str(refused)}
    if answered is None:
        return None
    shape = _model.operation_model(operation).output_shape
    if shape is not None:
        _held(shape, answered, "answer")
    return 200, answered


def _held(shape, value, what):
    """Refuses what the model does not know."""
    for misfit in contract.misfits(shape, value, what):
        raise Refused("InvalidParameterException", misfit)


def _group(groups, asked):
    """The name of the group that an identifier, a name or an ARN, stands for."""
    identifier = asked["logGroupIdentifier"]
    name = identifier.split(":log-group:")[-1]
    if name not in groups:
        raise Refused("ResourceNotFoundException", "The specified log group does not exist.")
    return name


def _masking(text):
    """Both blocks of a policy name the same identifiers (PutDataProtectionPolicy)."""
    try:
        policy = json.loads(text)
        found, masked = policy["Statement"]
        if found["DataIdentifier"] != masked["DataIdentifier"] or "FindingsDestination" not in found["Operation"]["Audit"]:
            raise KeyError("DataIdentifier")
        if masked["Operation"]["Deidentify"] != {"MaskConfig": {}}:
            raise KeyError("MaskConfig")
    except (ValueError, KeyError, TypeError) as error:
        raise Refused("InvalidParameterException", f"The policy document is not valid: {error}")


def _put_mask(place, groups, asked):
    name = _group(groups, asked)
    if place.classes.get(name, "STANDARD") != "STANDARD":
        raise Refused("InvalidParameterException", "Only log groups of the class STANDARD can be masked.")
    _masking(asked["policyDocument"])
    place.masks[name] = asked["policyDocument"]
    place.masked.add(name)
    return {"logGroupIdentifier": name, "policyDocument": asked["policyDocument"], "lastUpdatedTime": 1}


def _get_mask(place, groups, asked):
    name = _group(groups, asked)
    told = {"logGroupIdentifier": name}
    if name in place.masks:
        told |= {"policyDocument": place.masks[name], "lastUpdatedTime": 1}
    return told


def _delete_mask(place, groups, asked):
    place.masks.pop(_group(groups, asked), None)
    return {}


def _put_transformer(place, groups, asked):
    place.transformers[_group(groups, asked)] = asked["transformerConfig"]
    return {}


def _get_transformer(place, groups, asked):
    name = _group(groups, asked)
    if place.classes.get(name, "STANDARD") != "STANDARD":
        raise Refused("InvalidOperationException", "The operation is not valid on the specified resource.")
    if name not in place.transformers:
        raise Refused("ResourceNotFoundException", "The log group has no transformer.")
    return {"logGroupIdentifier": name, "creationTime": 1, "lastModifiedTime": 1, "transformerConfig": place.transformers[name]}


def _delete_transformer(place, groups, asked):
    place.transformers.pop(_group(groups, asked), None)
    return {}


def _put_policy(place, _, asked):
    if asked.get("selectionCriteria") and asked["policyType"] not in SELECTIVE:
        raise Refused("InvalidParameterException", "selectionCriteria is not valid for this type of policy.")
    if asked["policyType"] == "DATA_PROTECTION_POLICY":
        _masking(asked["policyDocument"])
    policy = {"scope": "ALL", "lastUpdatedTime": 1} | asked
    place.policies[asked["policyType"], asked["policyName"]] = policy
    return {"accountPolicy": policy}


def _describe_policies(place, _, asked):
    """One a page, so that a caller follows the token."""
    found = [policy for (of_type, _), policy in sorted(place.policies.items()) if of_type == asked["policyType"]]
    first = int(asked.get("nextToken", "0"))
    told = {"accountPolicies": found[first : first + 1]}
    if first + 1 < len(found):
        told["nextToken"] = str(first + 1)
    return told


def _delete_policy(place, _, asked):
    if place.policies.pop((asked["policyType"], asked["policyName"]), None) is None:
        raise Refused("ResourceNotFoundException", "The specified policy does not exist.")
    return {}


def _protect(place, groups, asked):
    # By its ARN alone (terraform-provider-aws, pull request 45298).
    if not asked["logGroupIdentifier"].startswith("arn:"):
        raise Refused("InvalidParameterException", "The specified log group ARN is not valid.")
    name = _group(groups, asked)
    (place.protected.add if asked["deletionProtectionEnabled"] else place.protected.discard)(name)
    return {}


def _delete_group(place, _, asked):
    if asked["logGroupName"] in place.protected:
        raise Refused("ValidationException", "Cannot delete log group with deletion protection enabled. Disable deletion protection first.")
    return None


def _create_group(place, _, asked):
    place.classes[asked["logGroupName"]] = asked.get("logGroupClass", "STANDARD")
    return None


_HANDLERS = {
    "GetDataProtectionPolicy": _get_mask,
    "PutDataProtectionPolicy": _put_mask,
    "DeleteDataProtectionPolicy": _delete_mask,
    "GetTransformer": _get_transformer,
    "PutTransformer": _put_transformer,
    "DeleteTransformer": _delete_transformer,
    "DescribeAccountPolicies": _describe_policies,
    "PutAccountPolicy": _put_policy,
    "DeleteAccountPolicy": _delete_policy,
    "PutLogGroupDeletionProtection": _protect,
    "DeleteLogGroup": _delete_group,
    "CreateLogGroup": _create_group,
}
