"""The commented example configuration, written from the settings themselves so that it is always complete."""

import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from pipeline.ops.settings import Settings

HEADER = """\
# Siaga: the whole configuration, each value as it is when left out. Check a changed file with `siaga config check`.
# Unknown keys are refused. Durations are in seconds (_s), scores and shares 0..1, sizes in MB where the name says so.
# Registry files are relative to this file; database, bus log and evidence are relative to the data folder (--data).
"""


def example_yaml() -> str:
    """Return `siaga.yaml` with every field, its explanation and its default."""
    lines = [HEADER]
    for name, field in Settings.model_fields.items():
        if name == "base":
            continue
        default = field.get_default(call_default_factory=True)
        if isinstance(default, BaseModel):
            lines.append(f"\n# {(type(default).__doc__ or '').strip()}\n{name}:")
            lines.extend(_section(default, 1))
        else:
            lines.extend(_field(name, field, default, 0))
    return "\n".join(lines) + "\n"


def _section(section: BaseModel, depth: int) -> Iterator[str]:
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        if isinstance(value, BaseModel):
            yield f"{'  ' * depth}{name}:  # {(type(value).__doc__ or '').strip()}"
            yield from _section(value, depth + 1)
        elif isinstance(value, dict) and value and all(isinstance(item, BaseModel) for item in value.values()):
            yield from _mapping(name, field, value, depth)
        else:
            yield from _field(name, field, value, depth)
            yield from _items(field, depth)


def _mapping(name: str, field: FieldInfo, value: dict[str, BaseModel], depth: int) -> Iterator[str]:
    yield f"{'  ' * depth}{name}:  # {field.description}"
    for key, item in value.items():
        yield f"{'  ' * (depth + 1)}{key}:"
        yield from _section(item, depth + 2)


def _field(name: str, field: FieldInfo, value: object, depth: int) -> Iterator[str]:
    choices = _choices(field.annotation)
    note = f"{field.description}{f' ({choices})' if choices else ''}"
    yield f"{'  ' * depth}{name}: {_inline(value)}  # {note}"


def _items(field: FieldInfo, depth: int) -> Iterator[str]:
    """Show, commented out, what one item of an empty list or mapping of sections may hold."""
    item = _item_model(field.annotation)
    if item is not None:
        for index, (name, inner) in enumerate(item.model_fields.items()):
            shown = "" if inner.is_required() else f" {_inline(inner.get_default(call_default_factory=True))}"
            yield f"{'  ' * (depth + 1)}# {'- ' if index == 0 else '  '}{name}:{shown}  # {inner.description}"


def _inline(value: object) -> str:
    plain = list(value) if isinstance(value, tuple) else str(value) if isinstance(value, Path) else value
    return yaml.safe_dump(plain, default_flow_style=True, width=1000).replace("\n...", "").strip()


def _item_model(annotation: Any) -> type[BaseModel] | None:
    for part in get_args(annotation):
        if isinstance(part, type) and issubclass(part, BaseModel):
            return part
        found = _item_model(part)
        if found is not None:
            return found
    return None


def _choices(annotation: Any) -> str:
    if get_origin(annotation) is Literal:
        return ", ".join(str(choice) for choice in get_args(annotation))
    if get_origin(annotation) in (Union, types.UnionType):
        return "; ".join(filter(None, (_choices(part) for part in get_args(annotation))))
    return ""
