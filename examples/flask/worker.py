"""The worker: a process that runs beside the web and says that it lives."""

import os
import time

import guestbook

PAUSE = float(os.environ.get("HEARTBEAT_SECONDS", "5"))

beat = 0
while True:
    beat += 1
    print(f"heartbeat {beat}: {len(guestbook.latest())} entries on this disk", flush=True)
    time.sleep(PAUSE)
