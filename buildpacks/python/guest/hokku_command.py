"""The command component: `python` and the programs of installed packages."""

from hokku_guest import boot

boot.replace_stdio()
boot.replace_pid()

import os  # noqa: E402
import sys  # noqa: E402

from componentize_py_types import Err  # noqa: E402
from hokku_guest import build, interpreter  # noqa: E402
from wit_world import exports  # noqa: E402
from wit_world.imports import exit as wasi_exit  # noqa: E402


def _exit_now(status):
    """`os._exit`, which the interpreter's C library knows only as success or failure."""
    wasi_exit.exit_with_code(status & 0xFF)


os._exit = _exit_now


class Run(exports.Run):
    """`wasi:cli/run`."""

    def run(self):
        status = interpreter.main(list(sys.argv))
        if status:
            wasi_exit.exit_with_code(status)
            raise Err(None)


build.snapshot_now()
