"""The command lines of web processes."""

import unittest

import context  # noqa: F401
from hokku_guest import server_args
from hokku_guest.server_args import UsageError, parse, parse_target


class Gunicorn(unittest.TestCase):
    def parse(self, text, environ=None):
        return parse(["gunicorn"] + text.split(), environ or {})

    def test_the_app_alone(self):
        self.assertEqual(str(self.parse("app:app").target), "app:app")

    def test_a_module_alone_means_application(self):
        self.assertEqual(str(self.parse("shop.wsgi").target), "shop.wsgi:application")

    def test_options_around_the_app(self):
        settings = self.parse("--workers 4 -b 0.0.0.0:80 app:app --timeout=30 -k gthread --preload")
        self.assertEqual(str(settings.target), "app:app")
        self.assertEqual(settings.notices, [])

    def test_short_options_with_their_value_attached(self):
        self.assertEqual(str(self.parse("-w4 -b:8000 -t30 app:app").target), "app:app")

    def test_what_is_honoured(self):
        settings = self.parse(
            "--chdir web --pythonpath lib,vendor -e MODE=live -e EMPTY= --access-logfile - "
            "--log-level=debug app:app")
        self.assertEqual(settings.chdir, "web")
        self.assertEqual(settings.python_path, ["lib", "vendor"])
        self.assertEqual(settings.environment, {"MODE": "live", "EMPTY": ""})
        self.assertTrue(settings.access_log)
        self.assertEqual(settings.log_level, "debug")

    def test_an_unknown_option_is_told_once(self):
        settings = self.parse("--frobnicate app:app")
        self.assertEqual(settings.notices, ["option --frobnicate is not known and is ignored"])
        self.assertEqual(str(settings.target), "app:app")

    def test_an_unknown_option_may_have_a_value(self):
        self.assertEqual(str(self.parse("--frobnicate much app:app").target), "app:app")
        self.assertEqual(str(self.parse("--frobnicate=much shop.wsgi").target),
                         "shop.wsgi:application")

    def test_a_configuration_file_is_told(self):
        notices = self.parse("-c gunicorn.conf.py a:b").notices
        self.assertIn("gunicorn.conf.py is ignored", notices[0])

    def test_workers_that_cannot_work(self):
        for worker in ("gevent", "eventlet", "tornado", "uvicorn.workers.UvicornWorker"):
            with self.assertRaises(UsageError) as caught:
                self.parse("-k %s app:app" % worker)
            self.assertIn(worker, str(caught.exception))

    def test_no_app(self):
        with self.assertRaisesRegex(UsageError, "no application module"):
            self.parse("--workers 3")

    def test_a_missing_value(self):
        with self.assertRaisesRegex(UsageError, "--bind needs a value"):
            self.parse("app:app --bind")

    def test_options_from_the_environment(self):
        environ = {"GUNICORN_CMD_ARGS": "--log-level=error --access-logfile=-"}
        settings = self.parse("app:app --log-level=debug", environ)
        self.assertEqual(settings.log_level, "debug")
        self.assertTrue(settings.access_log)

    def test_the_program_may_be_named_with_its_path(self):
        words = ["/app/.python/bin/waitress-serve.wasm", "a:b"]
        self.assertEqual(parse(words, {}).program, "waitress-serve")


class Waitress(unittest.TestCase):
    def parse(self, text):
        return parse(["waitress-serve"] + text.split(), {})

    def test_options_and_the_app(self):
        settings = self.parse("--listen=*:8000 --threads 8 --no-ipv6 shop:site.app")
        self.assertEqual((settings.target.module, settings.target.name), ("shop", "site.app"))
        self.assertFalse(settings.target.call)

    def test_a_factory(self):
        self.assertTrue(self.parse("--port=80 --call shop:create_app").target.call)

    def test_a_prefix(self):
        self.assertEqual(self.parse("--url-prefix=/shop/ a:b").url_prefix, "/shop")


class Targets(unittest.TestCase):
    def test_a_factory_with_arguments(self):
        target = parse_target("shop:create_app('live', debug=False)")
        self.assertEqual((target.name, target.arguments, target.keywords),
                         ("create_app", ["live"], {"debug": False}))
        self.assertTrue(target.call)

    def test_what_is_not_a_target(self):
        for text in ("app:1", "app:a + b", "app:f(x)", "./app.py", ":app", "app:a b"):
            with self.assertRaises(UsageError, msg=text):
                parse_target(text)

    def test_known_options_do_not_overlap(self):
        self.assertFalse(server_args.GUNICORN_FLAGS & server_args.GUNICORN_VALUES)
        self.assertFalse(server_args.WAITRESS_FLAGS & server_args.WAITRESS_VALUES)


if __name__ == "__main__":
    unittest.main()
