"""Every error that Gatecast raises on purpose, their messages, and checks of settings."""

from gatecast.errors.checks import misfits, optional_count, require_count, require_seconds, shown
from gatecast.errors.messages import (
    Argument,
    Code,
    ConfigError,
    CovariateError,
    DatasetError,
    GatecastError,
    InputError,
    LeakageError,
    ModelFileError,
    Note,
    PanelError,
    Part,
    Setting,
    TrainingError,
    Value,
    WindowError,
    did_you_mean,
    joined,
    listed,
)

__all__ = [
    "Argument",
    "Code",
    "ConfigError",
    "CovariateError",
    "DatasetError",
    "GatecastError",
    "InputError",
    "LeakageError",
    "ModelFileError",
    "Note",
    "PanelError",
    "Part",
    "Setting",
    "TrainingError",
    "Value",
    "WindowError",
    "did_you_mean",
    "joined",
    "listed",
    "misfits",
    "optional_count",
    "require_count",
    "require_seconds",
    "shown",
]

for _kind in (GatecastError, *GatecastError.__subclasses__(), *InputError.__subclasses__()):
    _kind.__module__ = __name__  # in tracebacks they have the name that they are imported by
