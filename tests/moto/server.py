"""AWS on loopback: moto, what it lacks, a list of the calls made, and faults on demand.

    server.py            listens on a free port of 127.0.0.1, prints it, and ends when stdin does

Beside AWS it answers:
    GET  /test/calls     every call so far: [{"service", "operation", "account", "region", "access_key", "status", "writes"}]
    GET  /test/contract  what of our program's requests its service's model in botocore refuses (see contract.py); each is
                         told once
    GET  /test/messages  what topics took of alarms (see alarms.py)
    POST /test/alarms    {"judged": false}: alarms no longer change their state
    POST /test/limits    {"concurrency": 10, "unreserved": 10}: concurrent runs of Lambda in the account, and how many stay free
    POST /test/faults    a list of faults, in the place of those before:
        {"operation": "iam:GetRole", "skip": 0, "times": 1, "status": 400, "code": "Throttling", "message": "..."}
        {"writes": true, "skip": 3, "times": null, "cut": true}       the connection is cut, the call is not carried out
        {"operation": "*", "delay": 0.2}                              slow, and carried out
        {"writes": true, "lost": true, "skip": 3, "times": 1}         carried out, and the answer is lost
        {"operation": "*", "garbage": "<html>", "status": 200}        an answer that is not from AWS
        {"operation": "events:PutEvents", "entries": [1], "entry_code": "InternalFailure"}   these entries of the call fail
    GET  /test/layers/…  the content of a layer, at the address that GetLayerVersion hands out; it counts as the call
                         s3:GetObject, for faults too
    POST /test/reset     empties the account: no resources, no calls, no faults
"""

import gzip
import io
import json
import re
import sys
import threading
import time
import urllib.parse
import uuid

import cbor2
from moto.moto_api._internal.models import moto_api_backend
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

import alarms
import buses
import cbor
import contract
import lacking
import log_alarms
import protection

# Names under which services sign, where botocore files them under another.
SIGNING = {"monitoring": "cloudwatch", "tagging": "resourcegroupstaggingapi"}
READS = re.compile(r"^(Get|List|Describe|Lookup|Simulate|Assume|Filter|Start(?=Query)|Stop(?=Query))")
# The SDK that our program uses; tests make calls by others.
OURS = re.compile(r"aws-sdk-rust|pgvigil")
CODE_IN_BODY = re.compile(rb"Action=([A-Za-z]+)")


def model(service):
    """The model of a service, by the name under which it signs."""
    return contract.model(SIGNING.get(service, service))


def operation_of(service, environ, body):
    """Which operation a request asks for, as its service's model says."""
    target = environ.get("HTTP_X_AMZ_TARGET")
    if target:
        return target.rpartition(".")[2]
    path = environ["PATH_INFO"]
    smithy = re.search(r"/service/[^/]+/operation/([A-Za-z]+)$", path)
    if smithy:
        return smithy.group(1)
    action = CODE_IN_BODY.search(body)
    if action:
        return action.group(1).decode()
    for name in model(service).operation_names:
        known = model(service).operation_model(name)
        if known.http["method"] == environ["REQUEST_METHOD"] and contract.path_of(known)[0].fullmatch(path):
            return name
    return "Unknown"


class Server:
    def __init__(self, app):
        self.app = app
        self.lock = threading.Lock()
        self.calls = []
        self.faults = []
        self.refused = []

    def __call__(self, environ, start_response):
        length = int(environ.get("CONTENT_LENGTH") or 0)
        body = environ["wsgi.input"].read(length) if length else b""
        # The SDK packs what is larger than 10 KB, such as many figures at once.
        environ["pgvigil.packed"] = environ.pop("HTTP_CONTENT_ENCODING", "") == "gzip"
        if environ["pgvigil.packed"]:
            body = gzip.decompress(body)
            environ["CONTENT_LENGTH"] = str(len(body))
        environ["wsgi.input"] = io.BytesIO(body)
        path = environ["PATH_INFO"]
        if path == "/test/calls":
            with self.lock:
                return answer(start_response, 200, self.calls)
        if path == "/test/faults":
            with self.lock:
                self.faults = json.loads(body)
            return answer(start_response, 200, [])
        if path == "/test/contract":
            with self.lock:
                refused, self.refused = self.refused, []
                return answer(start_response, 200, refused)
        if path == "/test/limits":
            lacking.limits.update(json.loads(body))
            return answer(start_response, 200, [])
        if path == "/test/messages":
            return answer(start_response, 200, alarms.messages)
        if path == "/test/alarms":
            alarms.settings.update(json.loads(body))
            return answer(start_response, 200, [])
        if path == "/test/reset":
            with self.lock:
                self.calls, self.faults = [], []
            lacking.reset()
            log_alarms.reset()
            protection.reset()
            alarms.messages.clear()
            moto_api_backend.reset()
            return answer(start_response, 200, [])
        if path.startswith(lacking.LAYERS):
            return self.content(path, start_response)
        if path.startswith("/moto-api"):
            return self.app(environ, start_response)
        return self.aws(environ, start_response, body)

    def noted(self, environ, body):
        """A call as it is kept, with its operation, access key, region and service; what the models refuse of it is noted."""
        access_key, region, service = scope(environ)
        operation = operation_of(service, environ, body) if service else "Unknown"
        call = {
            "service": service,
            "operation": operation,
            "region": region,
            "access_key": access_key,
            "status": None,
            "writes": not READS.match(operation),
            "time": time.time(),
            "agent": environ.get("HTTP_USER_AGENT", ""),
            "packed": environ["pgvigil.packed"],
            "body": urllib.parse.unquote(body.decode("utf-8", "replace")),
            "path": urllib.parse.unquote(environ["PATH_INFO"]),
        }
        wrong = []
        if OURS.search(call["agent"]) and service:
            wrong = contract.faults(model(service), operation, environ, body) or []
        with self.lock:
            self.refused.extend(wrong)
        return call, operation, access_key, region, service

    def aws(self, environ, start_response, body):
        call, operation, access_key, region, service = self.noted(environ, body)
        fault = self.fault(call)
        with self.lock:
            self.calls.append(call)
        if fault.get("delay"):
            time.sleep(fault["delay"])
        if fault.get("cut"):
            call["status"] = 0
            raise ConnectionAbortedError("cut by a test")
        if "garbage" in fault:
            call["status"] = fault.get("status", 200)
            return garbage(start_response, call["status"], fault["garbage"])
        buses.asked.fault = fault if "entries" in fault else None
        if "code" in fault:
            call["status"] = fault.get("status", 400)
            return refuse(start_response, service, fault)
        bridge = lambda body: cbor.bridge(self.app, model(service), operation, environ, body)
        own = log_alarms.answer(service, operation, region, access_key, environ, body, bridge)
        if own is not None:
            call["status"], text = own
            if fault.get("lost"):
                raise ConnectionAbortedError("lost by a test")
            headers = [("Content-Type", "application/cbor"), ("smithy-protocol", "rpc-v2-cbor")]
            start_response(f"{call['status']} X", headers + [("Content-Length", str(len(text)))])
            return [text]
        own = protection.answer(service, operation, region, access_key, body)
        if own is None:
            own = lacking.answer(service, operation, region, access_key, environ, body, self.calls)
        if own is not None:
            status, document = own
            call["status"] = status
            if fault.get("lost"):
                raise ConnectionAbortedError("lost by a test")
            return answer(start_response, status, document)

        if "/service/" in environ["PATH_INFO"]:
            status, text = bridge(body)
            call["status"] = status
            if fault.get("lost"):
                raise ConnectionAbortedError("lost by a test")
            headers = [("Content-Type", "application/cbor"), ("smithy-protocol", "rpc-v2-cbor")]
            start_response(f"{status} X", headers + [("Content-Length", str(len(text)))])
            return [text]

        def started(status, headers, *rest):
            call["status"] = int(status.split()[0])
            return start_response(status, headers, *rest)

        if fault.get("lost"):
            list(self.app(environ, lambda status, *_: call.update(status=int(status.split()[0]))))
            raise ConnectionAbortedError("lost by a test")
        return self.app(environ, started)

    def content(self, path, start_response):
        """What an address with a signature leads to: no client of AWS asks for it."""
        call = {
            "service": "s3", "operation": "GetObject", "region": None, "access_key": None, "status": 200, "writes": False,
            "time": time.time(), "agent": "", "packed": False, "body": "", "path": path,
        }
        fault = self.fault(call)
        with self.lock:
            self.calls.append(call)
        content = lacking.layer(path)
        if content is None or "code" in fault:
            call["status"] = fault.get("status", 403)
            return garbage(start_response, call["status"], "<Error/>")
        if "garbage" in fault:
            return garbage(start_response, 200, fault["garbage"])
        headers = [("Content-Type", "application/zip"), ("Content-Length", str(len(content)))]
        start_response("200 X", headers)
        return [content]

    def fault(self, call):
        name = f"{call['service']}:{call['operation']}"
        with self.lock:
            for fault in self.faults:
                wanted = fault.get("operation", "*" if not fault.get("writes") else None)
                if fault.get("writes") and not call["writes"]:
                    continue
                if wanted not in (None, "*", name):
                    continue
                if fault.get("skip", 0) > 0:
                    fault["skip"] -= 1
                    continue
                times = fault.get("times")
                if times is not None:
                    if times <= 0:
                        continue
                    fault["times"] = times - 1
                return dict(fault)
        return {}


def scope(environ):
    """Access key, region and service that a request is signed for."""
    found = re.search(r"Credential=([^/]+)/[^/]+/([^/]+)/([^/]+)/", environ.get("HTTP_AUTHORIZATION", ""))
    return found.groups() if found else (None, None, None)


def answer(start_response, status, document):
    text = json.dumps(document).encode()
    headers = [("Content-Type", "application/x-amz-json-1.1"), ("Content-Length", str(len(text)))]
    headers.append(("x-amzn-RequestId", str(uuid.uuid4())))
    if isinstance(document, dict) and "__type" in document:
        headers.append(("x-amzn-ErrorType", document["__type"]))
    start_response(f"{status} X", headers)
    return [text]


def garbage(start_response, status, text):
    """What a proxy answers in the place of AWS."""
    text = text.encode()
    start_response(f"{status} X", [("Content-Type", "text/html"), ("Content-Length", str(len(text)))])
    return [text]


def refuse(start_response, service, fault):
    """An error in the form of the service: XML for those with the query protocol, JSON for the others."""
    status, code = fault.get("status", 400), fault["code"]
    message = fault.get("message", "refused by a test")
    if service == "monitoring":
        text = cbor2.dumps({"__type": code, "message": message})
        headers = [("Content-Type", "application/cbor"), ("smithy-protocol", "rpc-v2-cbor")]
        start_response(f"{status} X", headers + [("Content-Length", str(len(text)))])
        return [text]
    if service in ("iam", "sts", "sns", "rds"):
        text = (
            f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
            "<RequestId>0</RequestId></ErrorResponse>"
        ).encode()
        start_response(f"{status} X", [("Content-Type", "text/xml"), ("Content-Length", str(len(text)))])
        return [text]
    return answer(start_response, status, {"__type": code, "message": message, "Message": message})


class Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log(self, *_):
        pass

    def connection_dropped(self, error, environ=None):
        # A cut is no silence: the client hears of it at once.
        self.close_connection = True


def main():
    app = Server(DomainDispatcherApplication(create_backend_app))
    lacking.patch()
    protection.patch()
    alarms.patch()
    buses.patch()
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    lacking.endpoint = f"http://127.0.0.1:{server.server_port}"
    print(server.server_port, flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()


if __name__ == "__main__":
    main()
