"""A supervisor of stand-ins: real servers, a web server that is always ready, a worker that only lives.

Run as a process of its own, so that tests can interrupt and kill it: `python -m tests.servers.standin`.
"""

import os
import sys
from pathlib import Path

from trialsite.embedded.refusal import ServerRefusal
from trialsite.embedded.supervisor import Place, Plan, Service, Step, Supervisor

WEB = """
import http.server, sys
class Ready(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(b"ok")
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Ready).serve_forever()
"""
WORKER = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
open(sys.argv[1], "w").write(f"{os.getpid()} {child.pid} {'DATABASE_OWNER_URL' in os.environ}")
time.sleep(600)
"""
NOTE = """
import os, psycopg
with psycopg.connect(os.environ["DATABASE_OWNER_URL"]) as c:
    c.execute("create table if not exists start (at timestamptz default now())")
    c.execute("insert into start default values")
    print(c.execute("select count(*) from start").fetchone()[0])
"""
SIGNINS = """
print("investigator  amara@example.org")
"""


def plan(place: Place) -> Plan:
    python = (sys.executable, "-c")
    worker_file = str(place.data / "worker.txt")
    return Plan(
        steps=(Step("Note the start", (*python, os.environ.get("STANDIN_STEP", NOTE))),),
        services=(
            Service("web", (*python, WEB, str(place.port))),
            Service("worker", (*python, os.environ.get("STANDIN_WORKER", WORKER), worker_file)),
        ),
        signins=(*python, SIGNINS),
    )


if __name__ == "__main__":
    try:
        place = Place.from_environment(Path(__file__).resolve().parents[2], os.environ)
        Supervisor(place, plan(place), say=lambda line: print(line, flush=True)).run()  # noqa: T201  # the test reads it
    except ServerRefusal as refusal:
        sys.exit(f"{refusal}")
