"""What an app asks for."""

import pathlib
import tempfile
import unittest

import context  # noqa: F401
from pybuild import layer, native, packages, requirements, warm
from pybuild.output import BuildError

try:
    from tomllib import loads
except ImportError:
    from pip._vendor.tomli import loads


class Fixture(unittest.TestCase):
    def setUp(self):
        self._folder = tempfile.TemporaryDirectory()
        self.addCleanup(self._folder.cleanup)
        self.app = pathlib.Path(self._folder.name).resolve()

    def write(self, name, text):
        path = self.app / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def read(self, text=None):
        if text is not None:
            self.write("requirements.txt", text)
        return requirements.read(self.app, loads)

    def refused(self, text):
        with self.assertRaises(BuildError) as caught:
            self.read(text)
        return caught.exception.lines


class Reading(Fixture):
    def test_names_of_all_forms(self):
        found = self.read("Flask==3.1.3 # web\nrequests[socks]>=2; python_version > '3'\n\n"
                          "# note\nzope.interface\nlib @ https://x.test/lib.whl\n"
                          "pywin32; sys_platform == 'win32'\n--index-url https://x.test/simple\n")
        self.assertEqual(found.names(), ["flask", "requests", "zope-interface", "lib"])

    def test_continued_lines_and_hashes(self):
        found = self.read("flask==3.1.3 \\\n  --hash=sha256:aa \\\n  --hash=sha256:bb\n")
        self.assertEqual(len(found.lines), 1)
        self.assertEqual(layer.pinned(found, "flask"), "3.1.3")

    def test_included_files(self):
        self.write("deps/base.txt", "flask\n-r more.txt\n")
        self.write("deps/more.txt", "click\n")
        self.assertEqual(self.read("-r deps/base.txt\n").names(), ["flask", "click"])

    def test_nothing_outside_the_app(self):
        for line in ("-r /etc/passwd", "-c ../../secret.txt", "--requirement=/etc/hostname",
                     "-f /etc", "/etc", "../other", "-e ..", "file:///etc"):
            self.assertIn("app", " ".join(self.refused(line + "\n")), line)

    def test_links_out_of_the_app(self):
        (self.app / "link.txt").symlink_to("/etc/hostname")
        self.assertIn("leads out of the app", self.refused("-r link.txt\n")[0])

    def test_circles_come_to_an_end(self):
        self.assertIn("levels deep", self.refused("-r requirements.txt\n")[0])

    def test_editable_installs(self):
        self.assertIn("editable", self.refused("-e git+https://x.test/a.git#egg=a\n")[0])
        self.write("pyproject.toml", '[project]\nname="a"\ndependencies=["flask"]\n')
        self.assertEqual(self.read("-e .\nclick\n").names(), ["click", "flask"])

    def test_a_project(self):
        self.write("pyproject.toml", '[project]\nname="a"\ndependencies=["flask >= 3", "click"]\n')
        self.assertEqual(self.read().names(), ["flask", "click"])

    def test_a_project_cannot_give_options(self):
        self.write("pyproject.toml", '[project]\nname="a"\ndependencies=["--index-url=x"]\n')
        self.assertIn("does not name a package", self.refused(None)[0])

    def test_other_kinds_of_project(self):
        self.write("pyproject.toml", "[tool.poetry.dependencies]\nflask = '*'\n")
        self.assertIn("Poetry", self.refused(None)[0])
        self.write("pyproject.toml", "[tool.ruff]\n")
        self.assertFalse(self.read().asks_for_packages())
        self.write("pyproject.toml", "broken")
        self.assertIn("cannot be read", self.refused(None)[0])


class Fingerprints(Fixture):
    def test_comments_and_blank_lines_do_not_count(self):
        one = self.read("flask==1 # a\n\nclick\n").fingerprint()
        self.assertEqual(self.read("# b\nflask==1\nclick\n").fingerprint(), one)

    def test_requirements_and_included_files_count(self):
        one = self.read("flask==1\n").fingerprint()
        self.assertNotEqual(self.read("flask==2\n").fingerprint(), one)
        self.write("base.txt", "flask==1\n")
        two = self.read("-r base.txt\n").fingerprint()
        self.write("base.txt", "flask==2\n")
        self.assertNotEqual(self.read().fingerprint(), two)

    def test_local_packages_count_and_code_does_not(self):
        self.write("vendor/a/setup.py", "one")
        one = self.read("./vendor/a\n").fingerprint()
        self.write("app.py", "changed")
        self.assertEqual(self.read().fingerprint(), one)
        self.write("vendor/a/setup.py", "two")
        self.assertNotEqual(self.read().fingerprint(), one)


class Native(Fixture):
    def test_known_packages_are_refused_before_download(self):
        with self.assertRaises(BuildError) as caught:
            layer.refuse_known(self.read("NumPy==2.3.1\nflask\n"))
        self.assertEqual(caught.exception.lines[0], "numpy 2.3.1 needs native code that cannot "
                                                    "run in the WebAssembly sandbox.")

    def test_advice(self):
        self.assertIn("pg8000", native.advice("psycopg2_binary"))
        self.assertIn("PyMySQL", native.advice("mysqlclient"))
        self.assertEqual(native.advice("unheard-of"), native.GENERAL)

    def test_every_alias_leads_to_advice(self):
        for name in native.SAME_AS.values():
            self.assertIn(name, native.ADVICE)

    def package(self, name, files, requires=()):
        info = self.app / (name + "-1.dist-info")
        self.write(info.name + "/METADATA", "Name: %s\nVersion: 1\n%s\n" % (
            name, "\n".join("Requires-Dist: " + other for other in requires)))
        self.write(info.name + "/RECORD", "".join("%s,,\n" % file for file in files))
        return packages.Package(info)

    def test_a_native_package_that_fails_is_refused(self):
        fast = self.package("fast", ["fast/__init__.py", "fast/_c.cpython-314-x86_64-linux-gnu.so"])
        with self.assertRaises(BuildError):
            layer.judge([fast], {"fast": "ImportError: no"}, self.read("fast\n"))

    def test_one_that_others_can_do_without_is_not(self):
        fast = self.package("fast", ["fast.cpython-314-x86_64-linux-gnu.so"])
        user = self.package("user", ["user/__init__.py"], ["fast; extra == 'speed'"])
        layer.judge([fast, user], {"fast": "ImportError: no"}, self.read("user[speed]\n"))
        with self.assertRaises(BuildError) as caught:
            layer.judge([fast, user], {"fast": "x", "user": "x"}, self.read("user\n"))
        self.assertIn("(required by user)", caught.exception.lines[0])

    def test_a_private_part_may_fail(self):
        yaml = self.package("PyYAML", ["yaml/__init__.py", "yaml/_yaml.so", "_yaml/__init__.py"])
        self.assertEqual(yaml.modules(), ["_yaml", "yaml"])
        layer.judge([yaml], {"_yaml": "ImportError: no"}, self.read("pyyaml\n"))

    def test_outermost_modules(self):
        found = self.package("google-x", ["google/x/__init__.py", "google/x/y/__init__.py",
                                          "six.py", "fast.so", "a-b.py", "tests/__init__.py"])
        self.assertEqual(found.modules(), ["fast", "google.x", "six", "tests"])
        self.assertEqual(warm.modules([found]), ["fast", "google.x", "six"])


class Explanations(unittest.TestCase):
    def test_what_pip_said(self):
        explain = packages.explain
        self.assertIn("flsk==9", explain(["ERROR: No matching distribution found for flsk==9"])[0])
        known = explain(["ERROR: Could not find a version that satisfies the requirement "
                         "pydantic-core==2.33.0 (from pydantic) (from versions: none)",
                         "ERROR: No matching distribution found for pydantic-core==2.33.0"])
        self.assertIn("pydantic-core (required by pydantic) needs native code", known[0])
        self.assertIn("lame has no wheel", explain(["  ERROR: Failed building wheel for lame"])[0])
        self.assertIn("core has no wheel", explain(
            ["× Encountered error while generating package metadata.", "╰─> core"])[0])
        self.assertIn("hashes", explain(["ERROR: THESE PACKAGES DO NOT MATCH THE HASHES"])[0])
        self.assertIn("contradict", explain(["ERROR: ResolutionImpossible: see"])[0])


if __name__ == "__main__":
    unittest.main()
