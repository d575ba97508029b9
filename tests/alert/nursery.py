"""Delivering processes that are born to be killed: `python -m tests.alert.nursery SETTINGS.json`.

It reads one number a line. For each it forks a process with all lanes of the alert stage, which kills itself (SIGKILL)
right after so many deliveries: what was sent last is not recorded. 0 lets it live until nothing waits any more. It
answers each line with how the process ended. Forking saves a hundred starts of Python.
"""

import itertools
import os
import random
import signal
import sys
import threading
import traceback
from pathlib import Path
from typing import Any

from pipeline.alert.channels import build
from pipeline.alert.channels.base import Channel, Outcome
from pipeline.alert.lane import Lane
from pipeline.ops.clock import now_ms
from pipeline.ops.logs import configure_logs
from pipeline.ops.settings import Settings
from pipeline.store.database import Database, open_database
from pipeline.store.outbox import reclaim, waiting
from pipeline.store.tables import OutboxRow
from tests.waiting import wait_for

OWNER = "alert-0"


def kill_after(channel: Channel, deliveries: "itertools.count[int]", last: int) -> None:
    """Let a channel's process die between sending and recording, when so many were sent by all channels together."""
    deliver = channel.deliver

    def then_die(row: OutboxRow) -> Outcome:
        outcome = deliver(row)
        if next(deliveries) == last:
            os.kill(os.getpid(), signal.SIGKILL)
        return outcome

    target: Any = channel
    target.deliver = then_die


def live(settings: Settings, last: int) -> None:
    """Deliver as the stage does when it starts again: take back what was held, start the lanes."""
    database = open_database(settings)
    database.transact(lambda session: reclaim(session, OWNER, now_ms()))
    stop = threading.Event()
    channels, deliveries = build(settings, os.environ, now_ms), itertools.count(1)
    for channel in channels if last else ():
        kill_after(channel, deliveries, last)
    lanes = [Lane(one, database, settings.alert, OWNER, stop, now_ms, random.random) for one in channels]
    for lane in lanes:
        lane.start()
    wait_for(lambda: _idle(database), 120, 0.1, "the end of all deliveries")
    stop.set()
    for lane in lanes:
        lane.wake()
        lane.join(20)


def _idle(database: Database) -> bool:
    with database.reading() as session:
        return not waiting(session)


def main() -> None:
    """Fork one process for each line."""
    settings = Settings.model_validate_json(Path(sys.argv[1]).read_text())
    configure_logs(settings.ops, "alert")
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            code = 1
            try:
                live(settings, int(line))
                code = 0
            finally:
                if code:
                    traceback.print_exc()
                os._exit(code)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
