"""pip, made to choose packages for the sandbox instead of for this machine.

Runs as a program of its own, with the toolchain's pip on its path. Two things
are changed in memory: environment markers are answered as the guest would
answer them, and packages without a wheel may be built although the target
differs, since what they build is used for its Python files only.
"""

GUEST = {
    "implementation_name": "cpython",
    "implementation_version": "3.14.0",
    "os_name": "posix",
    "platform_machine": "wasm32",
    "platform_python_implementation": "CPython",
    "platform_release": "0.0.0",
    "platform_system": "wasi",
    "platform_version": "0.0.0",
    "python_full_version": "3.14.0",
    "python_version": "3.14",
    "sys_platform": "wasi",
}
PLATFORMS = ["manylinux_2_%d_x86_64" % minor for minor in
             (39, 38, 36, 35, 34, 33, 32, 31, 28, 27, 26, 24, 17, 12, 5)]
PLATFORMS += ["manylinux2014_x86_64", "manylinux2010_x86_64", "manylinux1_x86_64",
              "linux_x86_64"]


def target_options():
    """The options which name the guest's Python."""
    words = ["--python-version", "3.14", "--implementation", "cp"]
    for abi in ("cp314", "abi3", "none"):
        words += ["--abi", abi]
    for platform in PLATFORMS:
        words += ["--platform", platform]
    return words


def main():
    import sys

    sys.path.pop(0)  # this file's folder, whose modules are not pip's business

    from pip._internal.cli import cmdoptions
    from pip._internal.cli.main import main as pip
    from pip._vendor.packaging import markers

    def allow(*arguments, **options):
        return None

    def guest_environment():
        return dict(GUEST)

    markers.default_environment = guest_environment
    cmdoptions.check_dist_restriction = allow
    return pip(sys.argv[1:2] + target_options() + sys.argv[2:])


if __name__ == "__main__":
    raise SystemExit(main())
