"""Lets clients that speak Smithy's RPC v2 with CBOR talk to moto, which knows the older query protocol only."""

import datetime
import io
import urllib.parse

import botocore.parsers
import botocore.serialize
import cbor2


def bridge(app, model, operation, environ, body):
    """Carries out a call through moto. Returns its status and its answer in CBOR."""
    operation_model = model.operation_model(operation)
    asked = cbor2.loads(body) if body else {}
    request = botocore.serialize.create_serializer("query").serialize_to_request(asked, operation_model)
    form = urllib.parse.urlencode(request["body"]).encode()
    inner = dict(environ)
    inner.update(
        {
            "PATH_INFO": "/",
            "REQUEST_METHOD": "POST",
            "CONTENT_TYPE": "application/x-www-form-urlencoded; charset=utf-8",
            "CONTENT_LENGTH": str(len(form)),
            "wsgi.input": io.BytesIO(form),
        }
    )
    inner.pop("HTTP_SMITHY_PROTOCOL", None)
    inner.pop("HTTP_ACCEPT", None)
    seen = {}

    def started(status, headers, *_):
        seen.update(status=int(status.split()[0]), headers=dict(headers))

    text = b"".join(app(inner, started))
    response = {"body": text, "headers": seen["headers"], "status_code": seen["status"]}
    parsed = botocore.parsers.create_parser("query").parse(response, operation_model.output_shape)
    parsed.pop("ResponseMetadata", None)
    error = parsed.pop("Error", None)
    if error is not None:
        parsed = {"__type": error.get("Code", "Unknown"), "message": error.get("Message", "")}
    return seen["status"], cbor2.dumps(parsed, default=_default, timezone=datetime.timezone.utc, datetime_as_timestamp=True)


def _default(encoder, value):
    raise TypeError(f"no CBOR for {type(value)}")
