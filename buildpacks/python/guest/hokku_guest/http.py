"""`wasi:http` 0.2 as a request to read and a responder to write.

Resources are dropped children first (stream, body, request), since a host traps
when a parent goes while a child is open.
"""

from componentize_py_types import Err, Ok
from wit_world.imports.types import (
    Fields,
    OutgoingBody,
    OutgoingResponse,
    ResponseOutparam,
)

from .wsgi import ClientGone

METHODS = {"Method_" + name.capitalize(): name for name in (
    "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH")}
LARGEST_WRITE = 1 << 20


def _drop(resource):
    if resource is not None:
        resource.__exit__(None, None, None)


class Request:
    """An incoming request; its body is opened when first read."""

    def __init__(self, incoming):
        self._incoming = incoming
        self._body = self._stream = None
        self._ended = False
        method = incoming.method()
        self.method = METHODS.get(type(method).__name__) or method.value
        self.target = incoming.path_with_query() or "/"
        self.authority = incoming.authority()
        fields = incoming.headers()
        self.headers = fields.entries()
        _drop(fields)

    def read(self, size):
        """Up to `size` bytes of the body, waiting for the first; empty at its end."""
        if self._ended:
            return b""
        if self._body is None:
            self._body = self._incoming.consume()
            self._stream = self._body.stream()
        try:
            data = self._stream.blocking_read(size)
            while not data:
                data = self._stream.blocking_read(size)
            return data
        except Err as error:
            self._ended = True
            if type(error.value).__name__ == "StreamError_LastOperationFailed":
                _drop(error.value.value)
                raise OSError("the client stopped sending its request") from None
            return b""

    def close(self):
        """Gives everything back to the host."""
        self._ended = True
        _drop(self._stream)
        _drop(self._body)
        _drop(self._incoming)
        self._stream = self._body = self._incoming = None


class Responder:
    """An outgoing response: `start`, then `write`, then `finish` or `abort`."""

    def __init__(self, outparam):
        self._outparam = outparam
        self._body = self._stream = None

    def start(self, status, headers):
        """Sends status and headers; the body follows."""
        try:
            fields = Fields.from_list(headers)
        except Err:
            names = ", ".join(name for name, _ in headers)
            raise ValueError("one of the response's headers is not valid: " + names) from None
        response = OutgoingResponse(fields)
        response.set_status_code(status)
        self._body = response.body()
        self._stream = self._body.write()
        outparam, self._outparam = self._outparam, None
        ResponseOutparam.set(outparam, Ok(response))

    def write(self, data):
        """Hands the data to the host, waiting while it cannot take more."""
        stream, at, size = self._stream, 0, len(data)
        try:
            while at < size:
                allowed = stream.check_write()
                if not allowed:
                    ready = stream.subscribe()
                    ready.block()
                    _drop(ready)
                    continue
                end = min(size, at + min(allowed, LARGEST_WRITE))
                stream.write(data[at:end])
                at = end
            stream.flush()
        except Err as error:
            _drop(getattr(error.value, "value", None))
            raise ClientGone from None

    def finish(self):
        """Ends the body properly."""
        if self._body is None:
            return
        _drop(self._stream)
        body, self._stream, self._body = self._body, None, None
        try:
            OutgoingBody.finish(body, None)
        except Err:
            pass  # an answer to HEAD names a length without sending it

    def abort(self):
        """Ends the body so that the client sees it is incomplete."""
        _drop(self._stream)
        _drop(self._body)
        self._stream = self._body = None
