"""Build-time only: copies the interpreter's own library out, with bytecode beside it.

Runs once per toolchain, while a component is made that nobody keeps.
"""

import os
import shutil
import sys

from hokku_guest import bytecode, library, paths
from wit_world import exports


def out_folder():
    for entry in sys.path:
        if os.path.exists(entry + "/hokku-out"):
            return entry
    raise SystemExit("no output folder")


def copy(source, target, shown):
    os.makedirs(target, exist_ok=True)
    for name in sorted(os.listdir(source)):
        if name in library.LEFT_OUT or name.endswith(".pyc"):
            continue
        there, here, seen = (folder + "/" + name for folder in (source, target, shown))
        if os.path.isdir(there):
            copy(there, here, seen)
            continue
        shutil.copyfile(there, here)
        if name.endswith(".py"):
            bytecode.compile_file(there, here + "c", seen)  # beside it, as in any archive


def leave_version(folder):
    with open(folder + "/hokku-version", "w") as file:
        file.write(sys.version.split()[0])


copy(paths.BUILD_STDLIB, out_folder() + "/stdlib", paths.STDLIB)
leave_version(out_folder())


class Run(exports.Run):
    def run(self):
        pass
