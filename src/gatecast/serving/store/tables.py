"""The tables of the store. A change of them is a migration, see ``migrations``."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

__all__ = ["JOBS", "JOB_FILES", "JOB_LOG", "LIVE_STATES", "METADATA", "MODELS", "OBSERVATIONS", "OBSERVED", "SCORES"]

METADATA = MetaData()
NUMBER = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts up whole numbers of one type alone
ONE_MODEL = "models.name"

# A model as its file has it; ``about`` is what ``gatecast info`` says, as JSON.
MODELS = Table(
    "models",
    METADATA,
    Column("name", String(64), primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("about", Text, nullable=False),
    Column("created", Float, nullable=False),
)
# Where a live model stood after an observation; later ones are read on from OBSERVED.
LIVE_STATES = Table(
    "live_states",
    METADATA,
    Column("model", ForeignKey(ONE_MODEL, ondelete="CASCADE"), primary_key=True),
    Column("seq", NUMBER, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("saved", Float, nullable=False),
)
# A request with rows that was acknowledged. The key is the client's: the same one gets the same answer.
OBSERVATIONS = Table(
    "observations",
    METADATA,
    Column("seq", NUMBER, primary_key=True, autoincrement=True),
    Column("model", ForeignKey(ONE_MODEL, ondelete="CASCADE"), nullable=False),
    Column("key", String(200)),
    Column("digest", String(64), nullable=False),
    Column("revise", Integer, nullable=False),
    Column("answer", Text, nullable=False),
    Column("created", Float, nullable=False),
    UniqueConstraint("model", "key", name="one_answer_per_key"),
)
# Its rows, as they were given (JSON), and what became of each.
OBSERVED = Table(
    "observed",
    METADATA,
    Column("seq", ForeignKey("observations.seq", ondelete="CASCADE"), primary_key=True),
    Column("place", Integer, primary_key=True),
    Column("model", String(64), nullable=False),
    Column("series", Text, nullable=False),
    Column("time", Text, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("cells", Text, nullable=False),
    Index(
        "one_new_row_per_time",
        "model",
        "series",
        "time",
        unique=True,
        sqlite_where=text("kind = 'new'"),
        postgresql_where=text("kind = 'new'"),
    ),
)
# How far off the forecast of a new row was, one step ahead.
SCORES = Table(
    "scores",
    METADATA,
    Column("seq", ForeignKey("observations.seq", ondelete="CASCADE"), primary_key=True),
    Column("place", Integer, primary_key=True),
    Column("target", Text, primary_key=True),
    Column("model", String(64), nullable=False),
    Column("series", Text, nullable=False),
    Column("time", Text, nullable=False),
    Column("value", Float),
    Column("forecast", Float),
    Column("inside_80", Integer),
    Column("inside_95", Integer),
    Column("anomaly", Float),
    Index("scores_of_a_series", "model", "series", "seq"),
)
JOBS = Table(
    "jobs",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("request", Text, nullable=False),
    Column("owner", String(64), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("progress", Text, nullable=False),
    Column("problem", Text),
    Column("result", Text),
    Column("created", Float, nullable=False),
    Column("started", Float),
    Column("ended", Float),
    Index("jobs_by_state", "state", "created"),
)
# What came with a job (role "input") and what came out of it ("artifact").
JOB_FILES = Table(
    "job_files",
    METADATA,
    Column("job", ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("role", String(16), primary_key=True),
    Column("name", String(64), primary_key=True),
    Column("media_type", String(100), nullable=False),
    Column("size", Integer, nullable=False),
    Column("content", LargeBinary, nullable=False),
)
JOB_LOG = Table(
    "job_log",
    METADATA,
    Column("job", ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("place", Integer, primary_key=True),
    Column("at", Float, nullable=False),
    Column("line", Text, nullable=False),
)
