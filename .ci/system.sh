#!/bin/sh
# Sees to what pip cannot install: Python's own venv module and the libraries that Qt loads from the system.
#
#   usage: system.sh PYTHON [xvfb]      with xvfb: a screen in memory too, for the tests of the real window
#
# They are looked for by loading them, which takes a moment; the package manager is asked only when one is missing.
# As root on Debian or Ubuntu what is missing is installed; elsewhere the command is printed, and the script stops.
set -eu

python=$1
extra=${2:-}
[ "$(uname -s)" = Linux ] || exit 0

say() { printf '%s\n' "$*" >&2; }

# Prints one Debian package a line for everything that does not load.
missing=$(WANT_X11=$extra "$python" - <<'PY'
import ctypes
import os
import sys

ALWAYS = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libglib-2.0.so.0": "libglib2.0-0",
}
X11 = {
    "libX11-xcb.so.1": "libx11-xcb1",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-sync.so.1": "libxcb-sync1",
    "libxcb-xfixes.so.0": "libxcb-xfixes0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
}
WAYLAND = {"libwayland-client.so.0": "libwayland-client0", "libwayland-cursor.so.0": "libwayland-cursor0"}

wanted = dict(ALWAYS)
if os.environ.get("DISPLAY") or os.environ.get("WANT_X11"):
    wanted.update(X11)
if os.environ.get("WAYLAND_DISPLAY"):
    wanted.update(WAYLAND)
for library, package in wanted.items():
    try:
        ctypes.CDLL(library)
    except OSError:
        print(package)
try:
    import ensurepip, venv  # Debian leaves ensurepip out of python3 itself
except ImportError:
    is_the_systems = os.path.realpath(sys.executable) == os.path.realpath("/usr/bin/python3")
    print("python3-venv" if is_the_systems else "python%d.%d-venv" % sys.version_info[:2])
PY
)
if [ "$extra" = xvfb ] && ! command -v Xvfb >/dev/null 2>&1; then missing="$missing xvfb"; fi
# shellcheck disable=SC2086  # one word a package
set -- $missing
[ $# -gt 0 ] || exit 0

command="apt-get install -y --no-install-recommends $*"
if ! command -v apt-get >/dev/null 2>&1; then
    say "Missing on this system (by Debian's package names): $*. Install them with your package manager, then run make again."
    exit 1
fi
if [ "$(id -u)" -ne 0 ]; then
    say "Missing on this system: $*. Run this, then make again:"
    say "    sudo $command"
    exit 1
fi
say "Installing what the system lacks: $*"
export DEBIAN_FRONTEND=noninteractive
if ! { apt-get update -qq && $command -qq >/dev/null; }; then
    say "That did not work. Run this and see what it says, then make again:"
    say "    apt-get update && $command"
    exit 1
fi
