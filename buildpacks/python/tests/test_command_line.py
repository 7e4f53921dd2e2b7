"""The words after `python`."""

import unittest

import context  # noqa: F401
from hokku_guest.command_line import parse


class CommandLines(unittest.TestCase):
    def test_a_script_keeps_its_own_options(self):
        line = parse(["-u", "worker.py", "-x", "--fast"])
        self.assertEqual((line.script, line.arguments), ("worker.py", ["-x", "--fast"]))

    def test_code(self):
        line = parse(["-c", "print(1)", "-v"])
        self.assertEqual((line.code, line.arguments), ("print(1)", ["-v"]))
        self.assertEqual(parse(["-cprint(1)"]).code, "print(1)")

    def test_a_module_after_grouped_flags(self):
        line = parse(["-uBm", "http.server", "80"])
        self.assertEqual((line.module, line.arguments), ("http.server", ["80"]))
        self.assertTrue(line.no_bytecode)

    def test_options_with_values(self):
        line = parse(["-W", "ignore", "-Werror", "-X", "dev", "-Xutf8", "a.py"])
        self.assertEqual((line.warnings, line.script), (["ignore", "error"], "a.py"))

    def test_standard_input(self):
        line = parse(["-", "one"])
        self.assertEqual((line.script, line.arguments), ("-", ["one"]))
        self.assertIsNone(parse([]).script)

    def test_questions(self):
        self.assertEqual(parse(["-V"]).version, 1)
        self.assertEqual(parse(["-VV"]).version, 2)
        self.assertEqual(parse(["--version"]).version, 1)
        self.assertTrue(parse(["--help"]).help)

    def test_mistakes(self):
        self.assertEqual(parse(["-Z"]).error, "unknown option -Z")
        self.assertEqual(parse(["--frob"]).error, "unknown option --frob")
        self.assertIn("-c", parse(["-c"]).error)
        self.assertIn("-W", parse(["-W"]).error)


if __name__ == "__main__":
    unittest.main()
