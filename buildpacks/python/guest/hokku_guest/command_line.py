"""Reads the words after `python`, as CPython's own start does."""

from dataclasses import dataclass, field

WITH_VALUE = "WX"
FLAGS = "bBdEhiIOPqRsSuvVx?"
IGNORED_LONG = ("--check-hash-based-pycs",)


@dataclass
class CommandLine:
    """What is asked for: exactly one of `code`, `module`, `script` or none of them."""

    code: str = None
    module: str = None
    script: str = None
    arguments: list = field(default_factory=list)
    interactive: bool = False
    version: int = 0
    help: bool = False
    quiet: bool = False
    isolated: bool = False
    no_bytecode: bool = False
    ignore_environment: bool = False
    warnings: list = field(default_factory=list)
    error: str = None


def parse(words):
    """Turns the words after the program's name into a `CommandLine`."""
    line = CommandLine()
    rest = list(words)
    while rest and rest[0].startswith("-") and rest[0] != "-":
        word = rest.pop(0)
        if word == "--":
            break
        if word.startswith("--"):
            _long(line, word, rest)
        elif _short(line, word[1:], rest):
            line.arguments = rest
            return line
        if line.error:
            return line
    if rest:
        line.script, line.arguments = rest[0], rest[1:]
    return line


def _long(line, word, rest):
    if word == "--version":
        line.version += 1
    elif word in ("--help", "--help-all", "--help-env", "--help-xoptions"):
        line.help = True
    elif word in IGNORED_LONG:
        del rest[:1]
    else:
        line.error = "unknown option " + word


def _short(line, letters, rest):
    """Handles one group of letters; True when -c or -m ends the options."""
    while letters:
        letter, letters = letters[0], letters[1:]
        if letter in "cm":
            if not letters and not rest:
                line.error = "argument expected for the -%s option" % letter
                return True
            value = letters or rest.pop(0)
            if letter == "c":
                line.code = value
            else:
                line.module = value
            return True
        if letter in WITH_VALUE:
            if not letters and not rest:
                line.error = "argument expected for the -%s option" % letter
                return False
            value = letters or rest.pop(0)
            if letter == "W":
                line.warnings.append(value)
            return False
        if letter not in FLAGS:
            line.error = "unknown option -" + letter
            return False
        _flag(line, letter)
    return False


def _flag(line, letter):
    if letter == "V":
        line.version += 1
    elif letter in "h?":
        line.help = True
    elif letter == "i":
        line.interactive = True
    elif letter == "q":
        line.quiet = True
    elif letter == "B":
        line.no_bytecode = True
    elif letter == "I":
        line.isolated = line.ignore_environment = True
    elif letter == "E":
        line.ignore_environment = True
    elif letter == "P":
        line.isolated = True
