"""Secrets of targets: in the settings themselves, or by the name of an environment variable. Never logged."""

from collections.abc import Mapping

from pipeline.ops.errors import ConfigError

MIN_LENGTH = 16


def resolve_secret(value: str, key: str, environment: Mapping[str, str]) -> bytes:
    """Return the secret that a setting holds or names (`env:NAME`).

    Args:
        value: The setting.
        key: Where it stands, for the message.
        environment: The environment variables.

    Raises:
        ConfigError: The variable is not set or too short; the message never holds the secret.
    """
    if not value.startswith("env:"):
        return value.encode()
    name = value.removeprefix("env:")
    secret = environment.get(name, "")
    if not secret:
        raise ConfigError(f"{key}: environment variable {name} is not set")
    if len(secret) < MIN_LENGTH:
        raise ConfigError(f"{key}: environment variable {name} is shorter than {MIN_LENGTH} characters")
    return secret.encode()


def secret_value(value: str, key: str, environment: Mapping[str, str]) -> str:
    """Return what the variable of `env:NAME` holds, of any length: the URL of a service, a key.

    Raises:
        ConfigError: It is not set.
    """
    name = value.removeprefix("env:")
    if not environment.get(name):
        raise ConfigError(f"{key}: environment variable {name} is not set")
    return environment[name]
