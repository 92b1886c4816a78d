#!/bin/sh
# Run the tests of Spark with the tools of a folder: in local mode, then the chief ones over Spark Connect.
set -eu
"$1/python" -m pip --disable-pip-version-check -q install -c constraints.txt --group spark
LEADLIFE_SPARK=local "$1/python" -m pytest -q -rs tests/batch/test_spark.py
LEADLIFE_SPARK=connect "$1/python" -m pytest -q -rs tests/batch/test_spark.py -k "every_table or micropoint"
"$1/python" examples/spark_replay.py 2> /dev/null | tail -n 12
