"""`python`: runs a script, a module, a piece of code, or talks with a person."""

import atexit
import importlib.metadata
import os
import runpy
import sys
import traceback
import types

from . import boot, command_line, paths

USAGE = """usage: python [option] ... [-c cmd | -m mod | file | -] [arg] ...
Options: -c cmd, -m mod, -i, -u, -B, -E, -I, -O, -P, -q, -s, -S, -W arg, -X opt, -V, -h
"""


def main(argv):
    """Runs the process from its first word to its exit status (0 to 255)."""
    program = os.path.basename(argv[0] if argv else "python")
    if program.endswith(".wasm"):
        program = program[:-len(".wasm")]
    boot.start()
    if program.startswith("python") or not program:
        status = _guarded(_python, argv[1:])
    else:
        status = _guarded(_console_script, program, argv)
    return _finish(status)


def _finish(status):
    try:
        atexit._run_exitfuncs()
    except BaseException:
        status = status or 1
    for stream in (sys.stdout, sys.stderr):
        try:
            if not stream.closed:
                stream.flush()
        except (OSError, ValueError, AttributeError):
            status = status or 120
    return status


def _guarded(function, *arguments):
    """Calls and turns what was raised into an exit status, as CPython does."""
    try:
        return function(*arguments) or 0
    except SystemExit as stop:
        return _exit_status(stop.code)
    except BaseException as error:
        _report(error)
        return 1


def _exit_status(code):
    if code is None:
        return 0
    if isinstance(code, int):
        return code & 0xFF
    print(code, file=sys.stderr)
    return 1


def _report(error):
    """Shows an uncaught exception without the frames that belong to the platform."""
    trace = error.__traceback__
    while trace is not None and _is_ours(trace.tb_frame.f_code.co_filename):
        trace = trace.tb_next
    try:
        sys.excepthook(type(error), error.with_traceback(trace), trace)
    except BaseException:
        traceback.print_exception(type(error), error, trace)


def _is_ours(filename):
    return filename.startswith(("hokku/", "<frozen runpy>")) or filename.endswith("/runpy.py")


def _python(words):
    line = command_line.parse(words)
    if line.error:
        sys.stderr.write(line.error + "\n" + USAGE)
        return 2
    if line.help:
        sys.stdout.write(USAGE)
        return 0
    if line.version:
        print("Python " + (sys.version if line.version > 1 else sys.version.split()[0]))
        return 0
    _apply(line)
    status = _guarded(_run, line)
    if line.interactive and (line.code or line.module or line.script):
        return _guarded(_converse, line, sys.modules["__main__"].__dict__)
    return status


def _apply(line):
    import warnings

    if line.no_bytecode:
        sys.dont_write_bytecode = True
    if line.ignore_environment:
        sys.path[:] = boot.search_path((), "")
    filters = [] if line.ignore_environment else _words(os.environ.get("PYTHONWARNINGS", ""))
    for setting in filters + line.warnings:
        sys.warnoptions.append(setting)
    warnings._processoptions(filters + line.warnings)


def _words(text):
    return [word for word in text.split(",") if word]


def _run(line):
    first = [] if line.isolated else [""]
    if line.code is not None:
        sys.argv[:] = ["-c"] + line.arguments
        sys.path[:0] = first
        exec(_compiled(line.code, "<string>"), _new_main().__dict__)
    elif line.module is not None:
        sys.argv[:] = ["-m"] + line.arguments
        sys.path[:0] = [os.getcwd()] if first else []
        _new_main()
        runpy._run_module_as_main(line.module)
    elif line.script not in (None, "-"):
        sys.argv[:] = [line.script] + line.arguments
        _run_file(line.script, bool(first))
    else:
        sys.argv[:] = [line.script or ""] + line.arguments
        sys.path[:0] = first
        _run_input(line)


def _run_file(script, add_folder):
    if os.path.isdir(script) or script.endswith((".zip", ".pyz")):
        sys.path.insert(0, script)
        _new_main()
        return runpy._run_module_as_main("__main__", False)
    try:
        with open(script, "rb") as file:
            source = file.read()
    except OSError as error:
        sys.stderr.write("python: can't open file %r: [Errno %d] %s\n" % (
            os.path.abspath(script), error.errno, error.strerror))
        raise SystemExit(2)
    if add_folder:
        sys.path.insert(0, os.path.dirname(os.path.abspath(script)))
    module = _new_main()
    module.__file__ = script
    module.__cached__ = None
    exec(compile(source, script, "exec", dont_inherit=True), module.__dict__)


def _run_input(line):
    if sys.stdin.isatty() or line.interactive:
        return _converse(line, _new_main().__dict__)
    exec(_compiled(sys.stdin.read(), "<stdin>"), _new_main().__dict__)


def _compiled(source, name):
    """Compiles text that is in no file, and keeps it for tracebacks."""
    import linecache

    linecache.cache[name] = (len(source), None, source.splitlines(True), name)
    return compile(source, name, "exec", dont_inherit=True)


def _new_main():
    module = types.ModuleType("__main__")
    module.__builtins__ = __builtins__ if isinstance(
        __builtins__, types.ModuleType) else sys.modules["builtins"]
    module.__annotations__ = {}
    sys.modules["__main__"] = module
    return module


def _converse(line, names):
    import code

    version = "Python %s on %s" % (sys.version.split("(")[0].strip(), sys.platform)
    hint = 'Type "help", "copyright", "credits" or "license" for more information.'
    banner = "" if line.quiet else version + "\n" + hint
    console = code.InteractiveConsole(names, filename="<stdin>", local_exit=False)
    sys.ps1 = getattr(sys, "ps1", ">>> ")
    sys.ps2 = getattr(sys, "ps2", "... ")
    console.interact(banner=banner, exitmsg="")


def _console_script(name, argv):
    """Runs a program that an installed package brings, such as `flask` or `alembic`."""
    sys.path[:0] = boot.source_roots()
    for entry in importlib.metadata.entry_points(group="console_scripts", name=name):
        sys.argv[:] = [paths.ROOT + "/bin/" + name] + list(argv[1:])
        _new_main()
        return _exit_status_of(entry.load()())
    print("%s: no installed package brings a program of this name" % name, file=sys.stderr)
    return 127


def _exit_status_of(value):
    return _exit_status(value) if value is not None else 0
