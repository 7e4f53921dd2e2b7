"""What an app is, by reading it."""

import pathlib
import tempfile
import unittest

import context  # noqa: F401
from pybuild import detection


class Detection(unittest.TestCase):
    def setUp(self):
        self._folder = tempfile.TemporaryDirectory()
        self.addCleanup(self._folder.cleanup)
        self.app = pathlib.Path(self._folder.name)

    def write(self, name, text=""):
        path = self.app / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def test_only_what_can_be_installed(self):
        self.write("manage.py")
        self.assertFalse(detection.is_python(self.app))
        self.write("pyproject.toml")
        self.assertTrue(detection.is_python(self.app))

    def test_names_an_app_can_have(self):
        for text, expected in (
                ("app = Flask(__name__)", "app"),
                ("application = get_wsgi_application()", "application"),
                ("application = app = make()", "app"),
                ("app: Flask = make()", "app"),
                ("app: Flask", None),
                ("def app(environ, start_response): ...", "app"),
                ("from shop import site as app", "app"),
                ("if True:\n  app = make()", "app"),
                ("try:\n  import x\nexcept ImportError: pass\nelse:\n  app = 1", "app"),
                ("def make():\n  app = 1", None),
                ("def broken(:", None)):
            self.write("app.py", text)
            self.assertEqual(detection.app_name(self.app / "app.py"), expected, text)

    def test_a_half_typed_app_is_still_an_app(self):
        self.write("app.py", "from flask import Flask\napp = Flask(__name__)\ndef broken(:\n")
        self.assertEqual(detection.app_name(self.app / "app.py"), "app")

    def test_the_usual_files_in_order(self):
        self.write("main.py", "app = 1")
        self.assertEqual(detection.default_web(self.app), "gunicorn main:app")
        self.write("wsgi.py", "application = 1")
        self.assertEqual(detection.default_web(self.app), "gunicorn wsgi:application")
        self.write("app.py", "import nothing")
        self.assertEqual(detection.default_web(self.app), "gunicorn wsgi:application")

    def test_a_django_project(self):
        self.write("manage.py")
        self.write("shop/wsgi.py", "application = get_wsgi_application()")
        self.assertEqual(detection.default_web(self.app), "gunicorn shop.wsgi")
        self.write("other/wsgi.py", "application = get_wsgi_application()")
        self.assertIsNone(detection.default_web(self.app))

    def test_no_app(self):
        self.assertIsNone(detection.default_web(self.app))


if __name__ == "__main__":
    unittest.main()
