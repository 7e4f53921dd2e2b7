"""What Hokku adds to CPython inside the sandbox.

Owns: the snapshot taken at build time, the start of a process in the dyno, and
the two ways in: requests (`hokku_web`) and commands (`hokku_command`).
Not here: anything that runs on the build machine's own Python (see `lib/`).
"""
