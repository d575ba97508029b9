"""The exception tree: every error that Siaga raises on purpose descends from `SiagaError`.

- `SiagaError`
    - `ConfigError`: a setting, a registry row or a file named in them is wrong; the message names file, line or key.
    - `BusError`: the bus did not acknowledge what was sent.
    - `RecordError`: bytes on the bus that do not hold to their contract; the message is the reason in `siaga.dead`.
    - `ModelError`: a model or its manifest cannot be used.
    - `StoreError`: the database or the evidence store did not take or give what was asked.
    - `SourceError`: a camera, file or folder cannot be read; the message never holds a password.
"""


class SiagaError(Exception):
    """Any error that is reported to a person in one line, without a traceback."""


class ConfigError(SiagaError):
    """A setting or a registry row is wrong; the message names the file, the line and the key."""


class BusError(SiagaError):
    """The bus did not take or acknowledge a record in time."""


class RecordError(SiagaError):
    """Bytes on the bus do not hold to the contract of their topic."""


class ModelError(SiagaError):
    """A model file or its manifest is missing, altered or of an unknown kind."""


class StoreError(SiagaError):
    """The database or the evidence store did not take or give what was asked; the message holds no password."""


class SourceError(SiagaError):
    """A source of pictures cannot be opened or read."""
