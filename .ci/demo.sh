#!/bin/sh
# Opens the demo workspace; on Linux without a screen, runs its tour off screen into the folder given.
set -eu

tour=$1
if [ "$(uname -s)" != Linux ] || [ -n "${DISPLAY:-}" ] || [ -n "${WAYLAND_DISPLAY:-}" ]; then
    exec .venv/bin/gatelens demo
fi
echo "No screen here (neither DISPLAY nor WAYLAND_DISPLAY): the tour of the demo goes to $tour" >&2
QT_QPA_PLATFORM=offscreen exec .venv/bin/gatelens demo --tour "$tour"
