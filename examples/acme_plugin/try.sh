#!/bin/sh
# Build leadlife and the plugin as wheels, install both in a fresh environment, find the plugin, use it and test it.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
"${1:-python3}" -m venv "$place/env"
pip="$place/env/bin/python -m pip --disable-pip-version-check -q"
$pip wheel --no-deps -w "$place/wheels" "$root" "$here"
$pip install -c "$root/constraints.txt" "$place"/wheels/*.whl hypothesis pytest
cd "$place"
"$place/env/bin/leadlife" plugins --load
"$place/env/bin/leadlife" check acme_funnel --at-least error
"$place/env/bin/leadlife" funnel "$here/tests/export" --reader acme_crm > /dev/null
cp -r "$here/tests" "$here/pyproject.toml" "$place"
"$place/env/bin/python" -m pytest -q -p no:cacheprovider "$place/tests"
