"""serving.Client: servers at the address that are no model servers."""

import http.server
import re
import threading

import pytest

from ac_keras import serving

THREE_PARTS = r"[Ee]xpect(ed|s) .+\. Received: .+\. [A-Z].+\.$"
STRANGERS = {  # HTTP status and body, and the code and words that come of them
    "a page": (200, b"<html>Hello</html>", "UNKNOWN", "HTTP 200: <html>Hello"),
    "a list": (200, b"[1, 2]", "UNKNOWN", "HTTP 200: [1, 2]"),
    "another API": (200, b'{"state": "up"}', "UNKNOWN", 'HTTP 200: {"state"'),
    "a proxy": (502, b"<h1>Bad Gateway</h1>", "UNKNOWN", "HTTP 502: <h1>Bad"),
    "nothing there": (404, b"", "NOT_FOUND", "HTTP 404: Not Found"),
    "a login": (401, b"Who are you?", "UNAUTHENTICATED", "Who are you"),
    "a limit": (413, b"Too long", "RESOURCE_EXHAUSTED", "Too long"),
    "another place": (302, b"Over there", "UNKNOWN", "HTTP 302: Over there"),
}


@pytest.fixture(scope="module")
def addresses():
    """By case, of a server in a thread."""
    servers = {
        case: start(status, body)
        for case, (status, body, _, _) in STRANGERS.items()
    }
    yield {
        case: f"127.0.0.1:{server.server_port}"
        for case, server in servers.items()
    }
    for server in servers.values():
        server.shutdown()
        server.server_close()


def start(status, body):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments):
            """Says nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,)).start()
    return server


@pytest.mark.parametrize("case", STRANGERS)
def test_a_strangers_words_are_told_at_once(case, addresses):
    _, _, code, said = STRANGERS[case]
    settings = {"protocol": "rest", "timeout": 600}
    with serving.Client(addresses[case], "clips", **settings) as client:
        for ask in (client.metadata, client.status):
            with pytest.raises(serving.ServerError) as caught:
                ask()
            assert caught.value.code == code
            assert said in str(caught.value)
            assert re.search(THREE_PARTS, str(caught.value))
