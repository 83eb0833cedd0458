#!/bin/sh
# Makes .venv with the pinned packages and this checkout in it. Run from the root of the checkout by `make`.
#
#   PYTHON        the interpreter to build .venv with (default: the first of python3, python3.13, … that is new enough)
#   TORCH_INDEX   another package index, for torch alone
#
# A second run compares one checksum and does nothing.
set -eu

venv=.venv
stamp=$venv/gatelens-setup
constraints=.ci/constraints.txt

say() { printf '%s\n' "$*" >&2; }

new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

find_python() {
    for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11 python}; do
        if command -v "$candidate" >/dev/null 2>&1 && new_enough "$candidate"; then
            command -v "$candidate"
            return
        fi
    done
    found=$(${PYTHON:-python3} --version 2>&1) || found="no Python"
    say "GateLens needs Python 3.11 or newer, and here is $found; install it and say  make PYTHON=/path/to/python3.11 demo"
    exit 1
}

# An interpreter that has gone (an upgrade of the system) leaves an environment that cannot be mended.
if [ -d $venv ] && ! new_enough $venv/bin/python; then
    say "The Python of $venv has gone or is too old; making the environment anew."
    rm -rf $venv
fi

if [ -x $venv/bin/python ]; then python=$venv/bin/python; else python=$(find_python); fi

sh .ci/system.sh "$python"

# What the environment depends on: the two files, the place (an installed checkout is found by its path), the Python.
wanted=$("$python" - pyproject.toml $constraints <<'PY'
import hashlib, os, sys
parts = [open(name, "rb").read() for name in sys.argv[1:]]
parts += [os.getcwd().encode(), "{}.{}".format(*sys.version_info[:2]).encode()]
print(hashlib.sha256(b"\0".join(parts)).hexdigest())
PY
)
index=${TORCH_INDEX:-}
have=''; have_index=''
if [ -f $stamp ]; then { read -r have; read -r have_index || true; } < $stamp; fi
if [ "$have" = "$wanted" ] && { [ -z "$index" ] || [ "$index" = "$have_index" ]; }; then exit 0; fi

if [ ! -x $venv/bin/python ]; then
    say "Making $venv with $("$python" --version)."
    "$python" -m venv $venv
fi
rm -f $stamp

# On a terminal pip shows what it loads; in a log its hundred lines say nothing.
quiet=--quiet
if [ -t 1 ]; then quiet=''; fi
pip_install() { $venv/bin/python -m pip --disable-pip-version-check --no-input install $quiet --constraint $constraints "$@"; }

say "Installing the pinned packages into $venv; the first time this takes minutes, mostly for torch."
if [ -n "$index" ]; then
    # torch alone comes from there; what it needs comes from the usual place with everything else.
    reinstall=''
    if [ "$index" != "$have_index" ]; then reinstall=--force-reinstall; fi
    pip_install --no-deps $reinstall --index-url "$index" "$(grep '^torch==' $constraints)"
fi
pip_install setuptools wheel
pip_install --no-build-isolation --editable '.[dev]'

printf '%s\n%s\n' "$wanted" "${index:-$have_index}" > $stamp
say "Ready: $venv/bin/gatelens"
