"""The processes of the provisioning server: who starts them, and starts them again."""

import signal
import subprocess
import sys

CRASHING = r"""
import logging, os, sys, time
from ringfence.provider import workers
class Teller(logging.Handler):
    def emit(self, record):
        print(f"died {time.monotonic()}\n", end="", flush=True)
logging.basicConfig(handlers=[Teller()])
workers.FIRST_DELAY = 2.0
def job():
    print(f"started {time.monotonic()}\n", end="", flush=True)
    os._exit(1)
workers.run([job, job], lambda number: None)
"""


def test_workers_that_die_wait_and_not_for_one_another() -> None:
    words = (sys.executable, "-c", CRASHING)
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        seen: list[list[str]] = []
        while [word for word, _ in seen].count("started") < 4:
            seen.append(process.stdout.readline().split())
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
    assert process.returncode == 0
    started = [float(at) for word, at in seen if word == "started"]
    died = [float(at) for word, at in seen if word == "died"]
    assert started[2] - died[0] >= 2.0
    assert started[3] - died[1] >= 2.0
    assert [word for word, _ in seen[:4]].count("died") == 2


TOLD = """
import logging, os, signal, sys
from ringfence.provider import workers
class Teller(logging.Handler):
    def emit(self, record):
        os.kill(os.getpid(), signal.SIGTERM)
logging.basicConfig(handlers=[Teller()])
def job():
    print("started", flush=True)
    os._exit(1)
workers.run([job], lambda number: None)
"""
"""Is told to stop between the death of a worker and the start of the next."""


def test_none_is_started_once_it_was_told_to_stop() -> None:
    done = subprocess.run(
        (sys.executable, "-c", TOLD), capture_output=True, text=True, timeout=30, check=True
    )
    assert done.stdout == "started\n"
