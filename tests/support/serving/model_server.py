"""Starts a model server as a process: our stand-in, or a real one.

The real one is `tensorflow_model_server`, if the PATH has it or the variable
TF_SERVING_BINARY names it.
"""

import contextlib
import dataclasses
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

from support.programs import environment

STAND_IN = pathlib.Path(__file__).with_name("loopback_server.py")
HOST = "127.0.0.1"
START_SECONDS = 120
MODEL_NAME = "clips"


@dataclasses.dataclass
class ModelServer:
    """A server that is ready."""

    process: subprocess.Popen
    port: int
    rest_api_port: int

    def address(self, protocol):
        port = self.port if protocol == "grpc" else self.rest_api_port
        return f"{HOST}:{port}"

    def kill(self):
        self.process.kill()
        self.process.wait()


def find_binary():
    """Returns the path of a real server; None if there is none."""
    return os.environ.get("TF_SERVING_BINARY") or shutil.which(
        "tensorflow_model_server"
    )


@contextlib.contextmanager
def serve(base_path, model_name=MODEL_NAME, port=0, rest_api_port=0):
    """Starts a `ModelServer` of the newest version under a folder."""
    binary = find_binary()
    if binary:
        command = [binary, f"--model_name={model_name}"]
        port, rest_api_port = port or free_port(), rest_api_port or free_port()
    else:
        command = [sys.executable, str(STAND_IN), f"--model_name={model_name}"]
    process = subprocess.Popen(
        [
            *command,
            f"--model_base_path={base_path}",
            f"--port={port}",
            f"--rest_api_port={rest_api_port}",
        ],
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=None if binary else subprocess.PIPE,
        text=True,
    )
    try:
        server = ModelServer(process, port, rest_api_port)
        if not binary:
            line = process.stdout.readline()
            assert line, "the stand-in ended before it was ready"
            server = ModelServer(process, **json.loads(line))
        wait_until_available(server, model_name)
        yield server
    finally:
        stop(process, asked=not binary)


def free_port():
    with socket.socket() as listening:
        listening.bind((HOST, 0))
        return listening.getsockname()[1]


def wait_until_available(server, model_name):
    """Asks for the model's status until it is AVAILABLE, for a while."""
    url = f"http://{server.address('rest')}/v1/models/{model_name}"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    end, said = time.monotonic() + START_SECONDS, None
    while time.monotonic() < end and server.process.poll() is None:
        try:
            with opener.open(url, timeout=5) as response:
                said = response.read().decode()
            if '"AVAILABLE"' in said:
                return
        except (urllib.error.URLError, OSError) as error:
            said = error
        time.sleep(0.05)
    raise AssertionError(f"The server is not ready; it says: {said}")


def stop(process, asked):
    """Ends the stand-in by the end of its input, and others by a signal."""
    if asked and process.stdin:
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
    else:
        process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout:
        process.stdout.close()
