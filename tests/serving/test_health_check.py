"""The health check of docker-compose.yml, by this machine's bash."""

import http.server
import shutil
import subprocess
import threading

import pytest

from ac_keras.serving import write_deployment
from support.serving.deployed_files import read_compose

pytestmark = pytest.mark.skipif(
    shutil.which("bash") is None, reason="the image has bash, this machine not"
)
METADATA = "/v1/models/model/metadata"


@pytest.fixture
def answering():
    """Starts HTTP servers that give the model's metadata a status."""
    servers = []

    def start(status):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(status if self.path == METADATA else 501)
                self.end_headers()

            def log_message(self, *arguments):
                pass

        server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return server.server_port

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def check_health(folder, port):
    """Runs the check as Docker does, but against another port."""
    write_deployment(folder, "model")
    _, service = read_compose(folder)
    kind, *command = service["healthcheck"]["test"]
    assert kind == "CMD" and "/dev/tcp/127.0.0.1/8501" in command[-1]
    command[-1] = command[-1].replace("/8501", f"/{port}").replace("$$", "$")
    return subprocess.run(command, capture_output=True, timeout=60).returncode


def test_a_loaded_model_is_healthy(tmp_path, answering):
    assert check_health(tmp_path, answering(200)) == 0


@pytest.mark.parametrize("status", [404, 500])
def test_a_model_that_is_not_loaded_is_unhealthy(tmp_path, answering, status):
    assert check_health(tmp_path, answering(status)) != 0


def test_a_server_that_does_not_listen_is_unhealthy(tmp_path):
    with http.server.HTTPServer(("127.0.0.1", 0), None) as server:
        unused = server.server_port
    assert check_health(tmp_path, unused) != 0
