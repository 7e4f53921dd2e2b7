"""The release command: runs once for each release, before its dynos start."""

from contextlib import closing

import guestbook

with closing(guestbook.connect()):
    print("database is up to date")
