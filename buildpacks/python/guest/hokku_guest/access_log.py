"""The access line of `--access-logfile -`, in gunicorn's format."""

import os
import time


class _Atoms(dict):
    """Format atoms; one that is not there shows as `-`."""

    def __missing__(self, key):
        return "-"


def line(pattern, environ, exchange, seconds):
    """One line about one finished exchange."""
    atoms = _Atoms({
        "h": environ["REMOTE_ADDR"],
        "l": "-",
        "u": "-",
        "t": time.strftime("[%d/%b/%Y:%H:%M:%S +0000]", time.gmtime()),
        "r": "%s %s HTTP/1.1" % (environ["REQUEST_METHOD"], environ["RAW_URI"]),
        "s": (exchange.status or "500")[:3],
        "m": environ["REQUEST_METHOD"],
        "U": environ["PATH_INFO"],
        "q": environ["QUERY_STRING"],
        "H": "HTTP/1.1",
        "b": exchange.sent or "-",
        "B": exchange.sent,
        "f": environ.get("HTTP_REFERER", "-"),
        "a": environ.get("HTTP_USER_AGENT", "-"),
        "T": int(seconds),
        "M": int(seconds * 1000),
        "D": int(seconds * 1e6),
        "L": "%.6f" % seconds,
        "p": "<%d>" % os.getpid(),
    })
    for key, value in environ.items():
        if key.startswith("HTTP_"):
            atoms["{%s}i" % key[5:].replace("_", "-").lower()] = value
    for name, value in exchange.headers or ():
        atoms["{%s}o" % name.lower()] = value.decode("latin-1")
    try:
        return pattern % atoms
    except (TypeError, ValueError) as error:
        return "access log format %r: %s" % (pattern, error)
