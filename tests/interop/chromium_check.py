"""Chromium, headless, closes with 4001 while `ringdown serve --mode push` goes on sending over TLS.

    python3 tests/interop/chromium_check.py build/tools/ringdown/ringdown [LATE_MESSAGES [BYTES]]

Not one of the tests: the package `chromium` takes 300 MB. Prints what the page saw and what the
server counted. Exit status 0: both call it clean, with 4001. The server's Close frame is queued
behind its late messages, so `clean` says that the kernel took all of them.
"""

import http.server
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading

PATIENCE = 60  # seconds
PAGE = """<!doctype html><script>
let delivered = 0;
const socket = new WebSocket("wss://%s/");
socket.onopen = () => {
  socket.send("push %d %d");
  socket.close(4001, "a browser's");
};
socket.onmessage = () => ++delivered;
socket.onclose = (event) => {
  const { wasClean, code } = event;
  fetch("/seen", { method: "POST", body: JSON.stringify({ wasClean, code, delivered }) });
};
</script>"""


class Page(http.server.BaseHTTPRequestHandler):
    text = ""
    seen = None
    told = threading.Event()

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(self.text.encode())

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(204)
        self.end_headers()
        Page.seen = json.loads(body)
        self.told.set()

    def log_message(self, *_):
        pass


def browse(url, directory):
    """Opens the page until it has told what it saw."""
    command = ["chromium", "--headless=new", "--disable-gpu", "--ignore-certificate-errors",
               "--no-first-run", f"--user-data-dir={directory}/profile", url]
    if os.geteuid() == 0:
        command.insert(1, "--no-sandbox")
    chromium = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                start_new_session=True)
    try:
        return Page.told.wait(PATIENCE)
    finally:
        os.killpg(chromium.pid, signal.SIGKILL)
        chromium.wait()


def main():
    if len(sys.argv) < 2 or shutil.which("chromium") is None:
        sys.exit(f"{__doc__}\nIt needs the program `ringdown`, and `chromium` installed.")
    messages, size = (int(word) for word in (*sys.argv[2:4], 1000, 1000)[:2])
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory:
        tally_file = pathlib.Path(directory) / "tally.json"
        server = subprocess.Popen(
            [sys.argv[1], "serve", "--mode", "push", "--tls-self-signed", "--listen",
             "127.0.0.1:0", "--quiet", "--json", str(tally_file)],
            stdout=subprocess.PIPE, text=True,
        )
        address = server.stdout.readline().split()[2]
        Page.text = PAGE % (address, messages, size)
        web = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
        threading.Thread(target=web.serve_forever, daemon=True).start()
        told = browse(f"http://127.0.0.1:{web.server_port}/", directory)
        server.send_signal(signal.SIGTERM)
        status = server.wait()
        tally = json.loads(tally_file.read_text(encoding="utf-8"))
    print("the page:  ", json.dumps(Page.seen) if told else "never told")
    print("the server:", json.dumps(tally))
    good = told and Page.seen["wasClean"] and Page.seen["code"] == 4001
    return 0 if good and status == 0 and tally["clean"] == tally["accepted"] == 1 else 1


if __name__ == "__main__":
    sys.exit(main())
