"""What ministack lacks and pgvigil needs: each operation by name, with what stands in for it. Requests and answers are held to
the models of botocore (see tests/moto/contract.py), as moto's are.

ministack is asked for each of them at the start: one that it has learned must leave this list. `PutLogAlarm` is not here, since
nothing stands in for it: an environment with the engine `log-alarm` is not tried on ministack.
"""

import contract
import lacking


def _unmasked(asked, *_):
    return 200, {"logGroupIdentifier": asked["logGroupIdentifier"]}


def _untransformed(*_):
    return 400, {"__type": "ResourceNotFoundException", "message": "The log group has no transformer."}


def _no_policies(*_):
    return 200, {"accountPolicies": []}


HANDLERS = {
    **lacking.QUERIES,
    ("logs", "GetDataProtectionPolicy"): _unmasked,
    ("logs", "GetTransformer"): _untransformed,
    ("logs", "DescribeAccountPolicies"): _no_policies,
}


def answer(service, operation, asked, place):
    """Status and document; `None` leaves the call to ministack."""
    handler = HANDLERS.get((service, operation))
    if handler is None:
        return None
    model = contract.model(service).operation_model(operation)
    misfits = contract.misfits(model.input_shape, asked, operation)
    if misfits:
        return 400, {"__type": "InvalidParameterException", "message": "; ".join(misfits)}
    status, document = handler(asked, place, [])
    if status == 200:
        lacking.held(service, operation, document)
    return status, document
