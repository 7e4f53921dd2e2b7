"""What a person sees of a build, in Heroku's look."""

import errno
import sys


class BuildError(Exception):
    """The build cannot go on; each line names the thing or the remedy."""

    def __init__(self, *lines):
        super().__init__("\n".join(lines))
        self.lines = lines


def step(text):
    _write("-----> " + text)


def detail(text):
    _write("       " + text)


def warn(*lines):
    for line in lines:
        _write(" !     " + line)


def _write(line):
    sys.stdout.write(line.rstrip() + "\n")
    sys.stdout.flush()


def run(main):
    """Runs a script's `main` and ends the process with its exit status."""
    try:
        sys.exit(main() or 0)
    except BuildError as error:
        warn("", *error.lines)
        warn("")
        sys.exit(1)
    except BrokenPipeError:
        sys.exit(1)
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        where = " (%s)" % error.filename if error.filename and not full else ""
        warn("", "The build's files could not be written: %s%s." % (error.strerror or error, where),
             "Make room on the build machine's disk." if full else
             "See whether the build machine's folders can be written to.", "")
        sys.exit(1)
