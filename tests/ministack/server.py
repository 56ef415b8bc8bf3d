"""ministack on loopback, with what it lacks, a list of the calls made, and requests held to the services' models.

    server.py            starts ministack, listens on a free port of 127.0.0.1, prints it, and ends when stdin does

It answers what tests/moto/server.py answers below /test, but for faults; and
    GET  /test/lacks     {"lacks": [...], "learned": [...]}: operations that something here stands in for, and those of them
                         that ministack answers by now
"""

import http.client
import importlib.util
import json
import os
import pathlib
import socket
import subprocess
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "moto")]

from moto.iam.models import get_account_id_from
from werkzeug.serving import make_server

import server as moto

# By its path: moto's stand-ins have a module of the same name.
_spec = importlib.util.spec_from_file_location("ministack_lacking", HERE / "lacking.py")
lacking = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(lacking)

ACCOUNT = "123456789012"
# Headers of one connection alone.
HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}


class Front(moto.Server):
    """Notes a call, and hands it on."""

    def __init__(self, port):
        super().__init__(None)
        self.port = port

    def __call__(self, environ, start_response):
        if environ["PATH_INFO"] == "/test/lacks":
            return moto.answer(start_response, 200, self.lacks())
        return super().__call__(environ, start_response)

    def aws(self, environ, start_response, body):
        call, operation, access_key, region, service = self.noted(environ, body)
        with self.lock:
            self.calls.append(call)
        if (service, operation) in lacking.HANDLERS:
            place = (get_account_id_from(access_key), region)
            with self.lock:
                call["status"], document = lacking.answer(service, operation, json.loads(body or b"{}"), place)
            return moto.answer(start_response, call["status"], document)
        status, headers, text = self.pass_on(environ, body)
        call["status"] = status
        start_response(f"{status} X", headers + [("Content-Length", str(len(text)))])
        return [text]

    def pass_on(self, environ, body):
        headers = {key[5:].replace("_", "-"): value for key, value in environ.items() if key.startswith("HTTP_")}
        if environ.get("CONTENT_TYPE"):
            headers["Content-Type"] = environ["CONTENT_TYPE"]
        headers["Content-Length"] = str(len(body))
        query = f"?{environ['QUERY_STRING']}" if environ.get("QUERY_STRING") else ""
        # As it was sent: an ARN in a path is quoted.
        path = environ.get("RAW_URI") or environ.get("REQUEST_URI") or environ["PATH_INFO"] + query
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(environ["REQUEST_METHOD"], path, body, headers)
            answer = connection.getresponse()
            text = answer.read()
            return answer.status, [pair for pair in answer.getheaders() if pair[0].lower() not in HOP], text
        finally:
            connection.close()

    def lacks(self):
        """An operation that ministack does not know is refused as an unknown action."""
        learned = []
        for service, operation in lacking.HANDLERS:
            signed = f"Credential=AKIATEST/20260101/eu-central-1/{service}/aws4_request"
            environ = {
                "REQUEST_METHOD": "POST",
                "PATH_INFO": "/",
                "CONTENT_TYPE": "application/x-amz-json-1.1",
                "HTTP_X_AMZ_TARGET": f"Logs_20140328.{operation}",
                "HTTP_AUTHORIZATION": f"AWS4-HMAC-SHA256 {signed}, SignedHeaders=host, Signature=0",
            }
            _, _, text = self.pass_on(environ, b"{}")
            if b"Unknown action" not in text:
                learned.append(f"{service}:{operation}")
        names = [f"{service}:{operation}" for service, operation in lacking.HANDLERS]
        return {"lacks": names, "learned": learned}


def started():
    """ministack on a port of its own, and that port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    python = HERE.parents[1] / os.environ.get("CARGO_TARGET_DIR", "target") / "ministack/bin/python"
    environment = os.environ | {
        "GATEWAY_PORT": str(port),
        "MINISTACK_HOST": "127.0.0.1",
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        "MINISTACK_REGION": "eu-central-1",
    }
    # It ends with this process, however that ends: then nothing holds the other end of its shell's input.
    script = '"$1" -m ministack </dev/null >/dev/null 2>&1 & read -r _; kill -9 $!'
    child = subprocess.Popen(["sh", "-c", script, "sh", python], env=environment, stdin=subprocess.PIPE)
    for _ in range(300):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/_ministack/health")
            if connection.getresponse().status == 200:
                # Whoever lets go of its input ends it.
                return child, port
        except OSError:
            pass
        time.sleep(0.1)
    sys.exit("ministack did not start within 30 seconds")


def main():
    child, port = started()
    front = make_server("127.0.0.1", 0, Front(port), threaded=True, request_handler=moto.Quiet)
    print(front.server_port, flush=True)
    threading.Thread(target=front.serve_forever, daemon=True).start()
    sys.stdin.read()
    child.stdin.close()


if __name__ == "__main__":
    main()
