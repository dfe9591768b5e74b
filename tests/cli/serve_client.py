"""The real `obscura serve` and a client of it, for the drivers of tests/cli. The program is the first argument."""

import json
import signal
import subprocess
import sys
import time
import traceback
import urllib.error
import urllib.request

OBSCURA = sys.argv[1]


class Server:
    def __init__(self, data, *options):
        self.log = open("serve.log", "ab")
        begin = time.monotonic()
        self.process = subprocess.Popen([OBSCURA, "serve", "--data", data, "--listen", "127.0.0.1:0", *options],
                                        stdout=subprocess.PIPE, stderr=self.log, text=True)
        line = self.process.stdout.readline()
        self.seconds_to_listen = time.monotonic() - begin
        assert line.startswith("Obscura listens at "), line
        self.url = line.split()[-1]

    def ask(self, method, path, body=None, seconds=120, headers={}):
        """Status and body, which is parsed where it is JSON; `body` is sent as JSON unless it is bytes."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, method=method, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=seconds) as reply:
                return reply.status, self.read(reply)
        except urllib.error.HTTPError as error:
            return error.code, self.read(error)

    @staticmethod
    def read(reply):
        text = reply.read()
        return json.loads(text) if reply.headers.get_content_type() == "application/json" and text else text

    def get(self, path):
        status, body = self.ask("GET", path)
        assert status == 200, f"{path}: {status} {body}"
        return body

    def post(self, path, body):
        status, answer = self.ask("POST", path, body)
        assert status in (200, 201), f"{path}: {status} {answer}"
        return answer

    def end(self, sign=signal.SIGTERM):
        self.process.send_signal(sign)
        self.process.wait(30)
        self.process.stdout.close()


def test(function):
    try:
        function()
        print(f"PASS {function.__name__}")
    except Exception:  # whatever it is, the other tests go on
        print(f"FAIL {function.__name__}: {traceback.format_exc().strip().splitlines()[-1]}")
        traceback.print_exc(file=sys.stdout)
    sys.stdout.flush()
