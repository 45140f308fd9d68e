"""Live buckets: moto's server behind the S3 API, and an answer to Cloudflare's API as its reference documents it."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any

from boto3.session import Session
from moto.server import ThreadedMotoServer

if TYPE_CHECKING:
    import pytest

SECRET = "only-the-library-may-know-this"  # noqa: S105 - it is asserted to be seen nowhere
TOKEN = "neither-may-this-be-seen"  # noqa: S105 - no secret
ACCOUNT = "0123456789abcdef0123456789abcdef"


class S3:
    """moto's S3, over HTTP, which can die and return with what it held."""

    def __init__(self) -> None:
        self.port = 0
        self.start()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start, at the port of last time."""
        self._server = ThreadedMotoServer("127.0.0.1", self.port, verbose=False)
        self._server.start()
        self.port = self._server.get_host_and_port()[1]

    def stop(self) -> None:
        """Stop; nothing listens at the port any more."""
        self._server.stop()

    def put(self, bucket: str, rules: list[dict[str, Any]] | None) -> None:
        """Make the bucket, with a policy or without."""
        client = Session().client("s3", endpoint_url=self.url)
        client.create_bucket(Bucket=bucket)
        if rules is None:
            client.delete_bucket_cors(Bucket=bucket)
        else:
            client.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": rules})
        client.close()


class Server:
    """Answers every GET with what `answer` is at the time, and remembers the paths and headers that it was asked with."""

    def __init__(self, content_type: str = "application/json") -> None:
        self.answer: tuple[int, str] = (200, "{}")
        self.asked: list[tuple[str, dict[str, str]]] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.asked.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
                status, text = server.answer
                body = text.replace("{headers}", json.dumps(str(self.headers))[1:-1]).encode()
                self.send_response(status)
                self.send_header("Content-Type", content_type)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()


def api_reply(rules: list[dict[str, Any]]) -> tuple[int, str]:
    """What Cloudflare's API answers where there is a policy."""
    return 200, json.dumps({"success": True, "errors": [], "messages": [], "result": {"rules": rules}})


def api_error(status: int, code: int, message: str) -> tuple[int, str]:
    """What Cloudflare's API answers where something is wrong."""
    errors = [{"code": code, "message": message}]
    return status, json.dumps({"success": False, "errors": errors, "messages": [], "result": None})


def set_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials for both libraries, and nothing of this machine's own."""
    set_no_credentials(monkeypatch)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("CLOUDFLARE_API_TOKEN", TOKEN)


def set_no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """None of this machine's credentials, configuration or proxies."""
    for name in (
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_PROFILE",
        "CLOUDFLARE_API_TOKEN",
    ):
        monkeypatch.delenv(name, raising=False)
    for name in ("CLOUDFLARE_API_KEY", "CLOUDFLARE_EMAIL", "CLOUDFLARE_API_USER_SERVICE_KEY", "CLOUDFLARE_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere/config")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere/credentials")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
