#!/bin/sh
# Build leadlife and the module, install both with Tryton in a fresh environment, and run the scenario on SQLite.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
"${1:-python3}" -m venv "$place/env"
pip="$place/env/bin/python -m pip --disable-pip-version-check -q"
$pip wheel --no-deps -w "$place/wheels" "$root" "$here"
$pip install "$place"/wheels/*.whl proteus
cd "$place"
DB_NAME=:memory: TRYTOND_DATABASE_URI=sqlite:// "$place/env/bin/python" -m unittest -q \
    trytond.modules.leadlife_opportunity.tests.test_scenario ${TRYTON_TESTS:-}
