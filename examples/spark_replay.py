"""Replay and score the facts of many leads on Spark. The facts are simulated: this example makes its own.

It needs Java and the extra ``spark``: ``pip install 'leadlife[spark]'``.
"""

import os
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from pyspark.sql import SparkSession

from leadlife.batch import spark as on_spark
from leadlife.batch import write_facts
from leadlife.presets import eight_stage
from leadlife.testing.fact_columns import generated_facts

os.environ["PYSPARK_PYTHON"] = sys.executable
path = Path(tempfile.mkdtemp()) / "facts.parquet"
write_facts([batch for batch, _ in generated_facts(300)], path)

spark = SparkSession.builder.master("local[2]").getOrCreate()
facts = spark.read.parquet(str(path))
leads = on_spark.replay(facts, eight_stage())
leads.groupBy("stage").count().orderBy("stage").show()
scores = on_spark.score_leads(facts, eight_stage(), ["research"], at=datetime(2025, 9, 1, tzinfo=UTC))
scores.orderBy("lead").select("lead", "policy", "micropoints").show(3)
spark.stop()
