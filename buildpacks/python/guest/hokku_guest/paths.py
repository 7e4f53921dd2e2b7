"""Where things are in a dyno."""

APP = "/app"
ROOT = APP + "/.python"
STDLIB = ROOT + "/lib/python314.zip"
SITE = ROOT + "/site-packages"

# While a snapshot is made, the interpreter sees its library here.
BUILD_STDLIB = "/python"
