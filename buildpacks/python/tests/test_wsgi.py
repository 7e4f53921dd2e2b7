"""Requests and responses, without WebAssembly."""

import contextlib
import io
import sys
import unittest

import context  # noqa: F401
from hokku_guest import access_log, wsgi


class FakeRequest:
    def __init__(self, target="/", method="GET", headers=(), body=b"", authority="shop.test"):
        self.target, self.method, self.authority = target, method, authority
        self.headers = list(headers)
        self._body = io.BytesIO(body)

    def read(self, size):
        return self._body.read(min(size, 3))  # in small pieces, as networks do


class FakeResponder:
    def __init__(self):
        self.status = None
        self.headers = None
        self.pieces = []
        self.end = None

    def start(self, status, headers):
        self.status, self.headers = status, dict((k.lower(), v) for k, v in headers)

    def write(self, data):
        self.pieces.append(data)

    def finish(self):
        self.end = self.end or "finished"

    def abort(self):
        self.end = self.end or "aborted"


def serve(app, **request):
    environ = wsgi.build_environ(FakeRequest(**request))
    responder, log = FakeResponder(), io.StringIO()
    with contextlib.redirect_stderr(log):
        exchange = wsgi.call(app, environ, responder)
    responder.log = log.getvalue()
    responder.exchange = exchange
    return responder


class Environ(unittest.TestCase):
    def environ(self, **request):
        return wsgi.build_environ(FakeRequest(**request))

    def test_path_and_query(self):
        environ = self.environ(target="/caf%C3%A9%2Fx?q=%20a")
        self.assertEqual(environ["PATH_INFO"], "/café/x".encode().decode("latin-1"))
        self.assertEqual(environ["QUERY_STRING"], "q=%20a")
        self.assertEqual(environ["RAW_URI"], "/caf%C3%A9%2Fx?q=%20a")
        self.assertEqual(environ["SCRIPT_NAME"], "")

    def test_headers(self):
        environ = self.environ(headers=[
            ("content-type", b"text/plain"), ("content-length", b"0"), ("x-a", b"1"),
            ("x-a", b"2"), ("cookie", b"a=1"), ("cookie", b"b=2"), ("x_a", b"forged")])
        self.assertEqual(environ["CONTENT_TYPE"], "text/plain")
        self.assertEqual(environ["CONTENT_LENGTH"], "0")
        self.assertEqual(environ["HTTP_X_A"], "1,2")
        self.assertEqual(environ["HTTP_COOKIE"], "a=1; b=2")
        self.assertNotIn("HTTP_CONTENT_TYPE", environ)

    def test_the_host_decides_name_and_port(self):
        for host, scheme, expected in (
                ("shop.test:8080", "http", ("shop.test", "8080")),
                ("shop.test", "http", ("shop.test", "80")),
                ("shop.test", "https", ("shop.test", "443")),
                ("[::1]:5000", "http", ("::1", "5000"))):
            environ = self.environ(headers=[("host", host.encode()),
                                            ("x-forwarded-proto", scheme.encode())])
            self.assertEqual((environ["SERVER_NAME"], environ["SERVER_PORT"]), expected)
            self.assertEqual(environ["wsgi.url_scheme"], scheme)

    def test_the_authority_stands_in_for_a_host(self):
        self.assertEqual(self.environ()["HTTP_HOST"], "shop.test")

    def test_the_client_is_the_last_hop(self):
        environ = self.environ(headers=[("x-forwarded-for", b"6.6.6.6, 1.2.3.4")])
        self.assertEqual(environ["REMOTE_ADDR"], "1.2.3.4")
        self.assertEqual(self.environ()["REMOTE_ADDR"], "127.0.0.1")

    def test_a_prefix_becomes_the_script_name(self):
        environ = wsgi.build_environ(FakeRequest("/shop/cart"), "/shop")
        self.assertEqual((environ["SCRIPT_NAME"], environ["PATH_INFO"]), ("/shop", "/cart"))
        environ = wsgi.build_environ(FakeRequest("/shopping"), "/shop")
        self.assertEqual((environ["SCRIPT_NAME"], environ["PATH_INFO"]), ("", "/shopping"))

    def test_the_body_ends_where_its_length_says(self):
        environ = self.environ(method="POST", body=b"one\ntwo\nmore",
                               headers=[("content-length", b"8")])
        self.assertEqual(environ["wsgi.input"].readline(), b"one\n")
        self.assertEqual(environ["wsgi.input"].read(), b"two\n")
        self.assertEqual(environ["wsgi.input"].read(), b"")

    def test_a_body_without_a_length_is_read_to_its_end(self):
        self.assertEqual(self.environ(body=b"abcdefg")["wsgi.input"].read(), b"abcdefg")


class Responses(unittest.TestCase):
    def test_one_piece_gets_a_length(self):
        def app(environ, start):
            start("200 OK", [("Content-Type", "text/plain")])
            return [b"hello"]
        done = serve(app)
        self.assertEqual((done.status, done.pieces, done.end), (200, [b"hello"], "finished"))
        self.assertEqual(done.headers["content-length"], b"5")

    def test_a_generator_is_sent_piece_by_piece_and_closed(self):
        closed = []

        def app(environ, start):
            start("200 OK", [])
            try:
                yield b"a"
                yield b""
                yield b"b"
            finally:
                closed.append(True)
        done = serve(app)
        self.assertEqual((done.pieces, closed), ([b"a", b"b"], [True]))
        self.assertNotIn("content-length", done.headers)

    def test_write(self):
        def app(environ, start):
            write = start("200 OK", [])
            write(b"a")
            return [b"b"]
        self.assertEqual(serve(app).pieces, [b"a", b"b"])

    def test_head_has_headers_only(self):
        def app(environ, start):
            start("200 OK", [("Content-Length", "5")])
            return [b"hello"]
        done = serve(app, method="HEAD")
        self.assertEqual((done.pieces, done.headers["content-length"]), ([], b"5"))

    def test_answers_without_a_body(self):
        for status in ("204 No Content", "304 Not Modified"):
            def app(environ, start, status=status):
                start(status, [("Content-Length", "5"), ("ETag", '"x"')])
                return [b"never"]
            done = serve(app)
            self.assertEqual(done.pieces, [])
            self.assertIn("etag", done.headers)
            self.assertEqual("content-length" in done.headers, status.startswith("304"))

    def test_headers_of_one_hop_are_left_out(self):
        def app(environ, start):
            start("200 OK", [("Connection", "close"), ("Transfer-Encoding", "chunked"), ("X", "1")])
            return [b"a", b"b"]
        self.assertEqual(list(serve(app).headers), ["x"])

    def test_an_exception_before_the_first_byte(self):
        def app(environ, start):
            start("200 OK", [])
            raise RuntimeError("boom")
        done = serve(app, target="/x?secret=1")
        self.assertEqual((done.status, done.end), (500, "finished"))
        self.assertIn("Internal Server Error", b"".join(done.pieces).decode())
        self.assertIn("RuntimeError: boom", done.log)
        self.assertIn("test_wsgi.py", done.log)
        self.assertNotIn("secret", done.log)

    def test_an_exception_after_the_first_byte(self):
        def app(environ, start):
            start("200 OK", [])
            yield b"a"
            raise RuntimeError("late")
        done = serve(app)
        self.assertEqual((done.status, done.pieces, done.end), (200, [b"a"], "aborted"))
        self.assertIn("RuntimeError: late", done.log)

    def test_start_response_again_with_exc_info(self):
        def app(environ, start):
            start("200 OK", [("X", "1")])
            try:
                raise ValueError("x")
            except ValueError:
                start("503 Sorry", [("Y", "2")], sys.exc_info())
            return [b"sorry"]
        done = serve(app)
        self.assertEqual((done.status, done.headers["y"]), (503, b"2"))
        self.assertNotIn("x", done.headers)

    def test_exc_info_after_the_first_byte_is_raised(self):
        def app(environ, start):
            write = start("200 OK", [])
            write(b"a")
            try:
                raise ValueError("x")
            except ValueError:
                start("503 Sorry", [], sys.exc_info())
            return []
        done = serve(app)
        self.assertEqual((done.status, done.end), (200, "aborted"))
        self.assertIn("ValueError: x", done.log)

    def test_mistakes_are_named(self):
        def twice(environ, start):
            start("200 OK", [])
            start("200 OK", [])
            return []

        def text(environ, start):
            start("200 OK", [])
            return ["text"]

        def silent(environ, start):
            return [b"x"]

        def split(environ, start):
            start("200 OK", [("X", "a\r\nSet-Cookie: b")])
            return []
        for app, message in ((twice, "second time"), (text, "must be bytes, not str"),
                             (silent, "before it called start_response"), (split, "line break")):
            done = serve(app)
            self.assertEqual(done.status, 500)
            self.assertIn(message, done.log)

    def test_a_body_longer_than_announced_is_cut(self):
        def app(environ, start):
            start("200 OK", [("Content-Length", "3")])
            return [b"toolong"]
        self.assertEqual(serve(app).pieces, [b"too"])

    def test_a_body_shorter_than_announced_is_told(self):
        def app(environ, start):
            start("200 OK", [("Content-Length", "9")])
            return [b"short"]
        self.assertIn("lacks 4 of the bytes", serve(app).log)

    def test_files_are_sent_in_blocks_and_closed(self):
        file = io.BytesIO(b"x" * 70000)

        def app(environ, start):
            start("200 OK", [])
            return environ["wsgi.file_wrapper"](file)
        done = serve(app)
        self.assertEqual([len(piece) for piece in done.pieces], [65536, 4464])
        self.assertTrue(file.closed)

    def test_a_client_that_leaves_is_no_error(self):
        class Gone(FakeResponder):
            def write(self, data):
                raise wsgi.ClientGone

        def app(environ, start):
            start("200 OK", [])
            return [b"x"]
        responder, log = Gone(), io.StringIO()
        with contextlib.redirect_stderr(log):
            wsgi.call(app, wsgi.build_environ(FakeRequest()), responder)
        self.assertEqual((responder.end, log.getvalue()), ("aborted", ""))


class AccessLine(unittest.TestCase):
    def test_the_default_format(self):
        def app(environ, start):
            start("200 OK", [("X-Y", "z")])
            return [b"hello"]
        request = FakeRequest("/a?b", headers=[("user-agent", b"curl")])
        environ = wsgi.build_environ(request)
        exchange = wsgi.call(app, environ, FakeResponder())
        pattern = '%(h)s "%(r)s" %(s)s %(b)s "%(f)s" "%(a)s" %({x-y}o)s %({nope}i)s'
        self.assertEqual(access_log.line(pattern, environ, exchange, 0.5),
                         '127.0.0.1 "GET /a?b HTTP/1.1" 200 5 "-" "curl" z -')


if __name__ == "__main__":
    unittest.main()
