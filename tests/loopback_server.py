"""A web server on this machine with faults that can be switched on: what the tests of downloads stand on."""

import contextlib
import hashlib
import re
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


class Loopback(ThreadingHTTPServer):
    """Serves `files` (bytes by path) with Range and If-Range, as a file server does, until one of the faults is set.

    `requests` lists (path, Range header or None, status) of each answer. Faults:
    `cuts`: absolute offsets at which the next answers break off; `refuse`: the status of the next answers, one each, None for a good one;
    `page`: answers are a web page with status 200; `no_range`: Range is ignored; `no_tag`: no ETag and no date;
    `no_length`: the end of the connection is the end of the answer;
    `pause`: seconds between two kilobytes; `redirects`: answers lead to the same path below /moved.
    """

    daemon_threads = True

    def __init__(self, files=()):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files = dict(files)
        self.requests = []
        self.cuts, self.refuse = [], []
        self.page = self.no_range = self.no_tag = self.no_length = self.redirects = False
        self.pause = 0.0
        self.url = f"http://127.0.0.1:{self.server_port}"

    def __enter__(self):
        Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()

    def handle_error(self, request, client_address):
        """A client that was killed is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_HEAD(self):
        """As a hub of models answers: which version of the repository it is, or what is missing."""
        content = self.server.files.get(self.path)
        if content is None:
            repository = "/".join(self.path.split("/")[:3]) + "/"
            known = any(path.startswith(repository) for path in self.server.files)
            return self._start(404, {"X-Error-Code": "EntryNotFound" if known else "RepoNotFound", "Content-Length": 0})
        tag = f'"{hashlib.md5(content).hexdigest()}"'
        return self._start(200, {"X-Repo-Commit": "0" * 40, "ETag": tag, "Content-Length": len(content)})

    def do_GET(self):
        server = self.server
        content = server.files.get(self.path.removeprefix("/moved"))
        refused = server.refuse.pop(0) if server.refuse else None
        if refused or content is None:
            return self._short(refused or 404)
        if server.redirects and not self.path.startswith("/moved"):
            return self._short(302, Location=f"{server.url}/moved{self.path}")
        if server.page:
            return self._short(200, b"<!doctype html><title>Log in</title>", **{"Content-Type": "text/html; charset=utf-8"})
        return self._file(content)

    def _short(self, status, body=b"", **headers):
        self._start(status, {**headers, "Content-Length": len(body)})
        self.wfile.write(body)

    def _start(self, status, headers):
        self.server.requests.append((self.path, self.headers["Range"], status))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, str(value))
        self.end_headers()

    def _file(self, content):
        server, tag = self.server, f'"{hashlib.md5(content).hexdigest()}"'
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers["Range"] or "")
        same = self.headers["If-Range"] in (None, tag)
        start = int(asked[1]) if asked and same and not server.no_range else 0
        headers = {"Content-Length": len(content) - start, "Content-Type": "application/octet-stream"}
        if server.no_length:
            del headers["Content-Length"]
        if not server.no_tag:
            headers["ETag"] = tag
        if start >= len(content) > 0:
            return self._short(416)
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        self._start(206 if start else 200, headers)
        end = server.cuts.pop(0) if server.cuts else len(content)
        with contextlib.suppress(OSError):  # the client is gone
            self._body(content[start : max(start, end)])
        self.close_connection = True

    def _body(self, content):
        for place in range(0, len(content), 1024) if self.server.pause else ():
            self.wfile.write(content[place : place + 1024])
            self.wfile.flush()
            time.sleep(self.server.pause)
        if not self.server.pause:
            self.wfile.write(content)
