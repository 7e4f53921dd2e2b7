"""WSGI (PEP 3333): one request in, one call of the app, one response out.

Knows nothing about WebAssembly: a request and a responder are handed in.
"""

import io
import sys
import traceback
from urllib.parse import unquote_to_bytes

ERROR_PAGE = b"""<html>
  <head>
    <title>Internal Server Error</title>
  </head>
  <body>
    <h1><p>Internal Server Error</p></h1>
  </body>
</html>
"""
# Files whose frames lead from the platform to the app.
PLATFORM_FRAMES = ("hokku/", "<frozen importlib", "/app/.python/lib/python314.zip/importlib/")
HOP_BY_HOP = {
    "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection",
    "te", "trailer", "trailers", "transfer-encoding", "upgrade", "http2-settings", "host",
}


class ClientGone(Exception):
    """Nobody reads the response any more."""


class FileWrapper:
    """Yields a file in blocks; closes it with the response."""

    def __init__(self, file, block_size=65536):
        self.file = file
        self.block_size = block_size
        if hasattr(file, "close"):
            self.close = file.close

    def __iter__(self):
        return self

    def __next__(self):
        data = self.file.read(self.block_size)
        if not data:
            raise StopIteration
        return data


class LimitedInput(io.RawIOBase):
    """The request's body, which ends where Content-Length says."""

    def __init__(self, read, length):
        self._read = read
        self._left = length

    def readable(self):
        return True

    def readinto(self, buffer):
        wanted = len(buffer) if self._left is None else min(len(buffer), self._left)
        data = self._read(wanted) if wanted else b""
        buffer[:len(data)] = data
        if self._left is not None:
            self._left -= len(data)
        return len(data)


def build_environ(request, url_prefix=""):
    """The environ of one request; `request` has method, target, headers, authority."""
    target = request.target or "/"
    path, _, query = target.partition("?")
    fields = _header_fields(request.headers)
    host = fields.get("HTTP_HOST") or request.authority or "localhost"
    fields["HTTP_HOST"] = host
    scheme = fields.get("HTTP_X_FORWARDED_PROTO", "").split(",")[-1].strip().lower()
    scheme = scheme if scheme in ("http", "https") else "http"
    name, port = _split_host(host, scheme)
    path_info = unquote_to_bytes(path).decode("latin-1")
    script_name = ""
    if url_prefix and (path_info == url_prefix or path_info.startswith(url_prefix + "/")):
        script_name, path_info = url_prefix, path_info[len(url_prefix):]
    forwarded = [hop.strip() for hop in fields.get("HTTP_X_FORWARDED_FOR", "").split(",")]
    length = fields.get("CONTENT_LENGTH", "")
    body = LimitedInput(request.read, int(length) if length.isdigit() else None)
    environ = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": script_name,
        "PATH_INFO": path_info,
        "QUERY_STRING": query,
        "RAW_URI": target,
        "REQUEST_URI": target,
        "SERVER_NAME": name,
        "SERVER_PORT": port,
        "SERVER_PROTOCOL": "HTTP/1.1",
        "SERVER_SOFTWARE": "hokku",
        "REMOTE_ADDR": forwarded[-1] or "127.0.0.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scheme,
        "wsgi.input": io.BufferedReader(body, 65536),
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "wsgi.file_wrapper": FileWrapper,
    }
    environ.update(fields)
    return environ


def _header_fields(headers):
    fields = {}
    for name, value in headers:
        if "_" in name:
            continue  # would be taken for the same name with a dash
        key = name.upper().replace("-", "_")
        if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            key = "HTTP_" + key
        text = value.decode("latin-1")
        if key in fields:
            text = fields[key] + ("; " if key == "HTTP_COOKIE" else ",") + text
        fields[key] = text
    return fields


def _split_host(host, scheme):
    name, colon, port = host.rpartition(":")
    if not colon or not port.isdigit():
        name, port = host, "443" if scheme == "https" else "80"
    return name.strip("[]"), port


class Exchange:
    """One call of the app: keeps what `start_response` was given until the first byte."""

    def __init__(self, responder, method):
        self.responder = responder
        self.bodiless = method == "HEAD"
        self.status = None
        self.headers = None
        self.started = False
        self.sent = 0
        self.left = None  # what Content-Length still allows

    def start_response(self, status, headers, exc_info=None):
        """PEP 3333's `start_response`."""
        if exc_info:
            try:
                if self.started:
                    raise exc_info[1].with_traceback(exc_info[2])
            finally:
                exc_info = None
        elif self.status is not None:
            raise AssertionError("start_response was called a second time without exc_info")
        self.status, self.headers = _checked(status, headers)
        return self.write

    def write(self, data):
        """Sends one piece of the body, after status and headers if these are still due."""
        if not isinstance(data, (bytes, bytearray, memoryview)):
            raise TypeError("the response's body must be bytes, not %s" % type(data).__name__)
        if not data:
            return
        if not self.started:
            self.start()
        if self.left is not None:
            data = data[:self.left]
            self.left -= len(data)
        if not self.bodiless and data:
            self.sent += len(data)
            self.responder.write(bytes(data))

    def start(self):
        """Sends status and headers."""
        if self.status is None:
            raise AssertionError("the app gave a body before it called start_response")
        code = int(self.status[:3])
        if code < 200 or code in (204, 304):
            self.bodiless = True
        dropped = HOP_BY_HOP | ({"content-length"} if code < 200 or code == 204 else set())
        fields = [(k, v) for k, v in self.headers if k.lower() not in dropped]
        lengths = [v for k, v in fields if k.lower() == "content-length"]
        if lengths and not self.bodiless:
            if not lengths[-1].isdigit():
                raise ValueError("Content-Length %r is not a number" % lengths[-1])
            self.left = int(lengths[-1])
        self.responder.start(code, fields)
        self.started = True


def _checked(status, headers):
    if not isinstance(status, str) or not status[:3].isdigit():
        raise ValueError("status must be text like '200 OK', not %r" % (status,))
    if not 100 <= int(status[:3]) <= 599:
        raise ValueError("status %r is out of range" % status)
    fields = []
    for name, value in headers:
        if not isinstance(name, str) or not isinstance(value, str):
            raise TypeError("header names and values must be text: %r" % ((name, value),))
        if "\r" in value or "\n" in value or "\0" in value:
            raise ValueError("header %s has a line break in its value" % name)
        fields.append((name, value.strip(" \t").encode("latin-1")))
    return status, fields


def call(app, environ, responder):
    """Calls the app and sends its response; returns the `Exchange`.

    Whatever the app raises ends in its log; before the first byte the client
    gets a 500 page, after it a response that is visibly cut short.
    """
    exchange = Exchange(responder, environ["REQUEST_METHOD"])
    try:
        _run(app, environ, exchange)
        if exchange.left:
            sys.stderr.write("[ERROR] the response to %s lacks %d of the bytes it announced\n" % (
                environ["RAW_URI"].partition("?")[0], exchange.left))
        responder.finish()
    except ClientGone:
        responder.abort()
    except BaseException as error:
        log_exception("Error handling request " + environ["RAW_URI"].partition("?")[0], error)
        if exchange.started:
            responder.abort()
        else:
            answer_500(exchange)
    return exchange


def _run(app, environ, exchange):
    result = app(environ, exchange.start_response)
    try:
        if isinstance(result, (list, tuple)) and len(result) == 1:
            _add_length(exchange, result[0])
        for piece in result:
            exchange.write(piece)
        if not exchange.started:
            exchange.start()
    finally:
        if hasattr(result, "close"):
            result.close()


def _add_length(exchange, piece):
    if exchange.started or exchange.headers is None or not isinstance(piece, bytes):
        return
    if not any(name.lower() == "content-length" for name, _ in exchange.headers):
        exchange.headers.append(("Content-Length", str(len(piece)).encode()))


def answer_500(exchange):
    """The page for a request that failed before its first byte."""
    exchange.status = "500 Internal Server Error"
    exchange.headers = [
        ("Content-Type", b"text/html"), ("Content-Length", str(len(ERROR_PAGE)).encode())]
    try:
        exchange.write(ERROR_PAGE)
        exchange.responder.finish()
    except ClientGone:
        exchange.responder.abort()


def log_exception(what, error):
    """Writes the traceback to stderr, without the frames that belong to the platform."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename.startswith(PLATFORM_FRAMES):
        trace = trace.tb_next
    lines = traceback.format_exception(type(error), error, trace)
    sys.stderr.write("[ERROR] " + what + "\n" + "".join(lines))
    sys.stderr.flush()
