"""What one unit of work costs, each figure with the command that measured it, and what is assumed beside that."""

from datetime import date
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from pipeline.ops.errors import ConfigError

COSTS = {
    "grab_camera": "CPU s a camera second",
    "grab_picture": "CPU s a picture",
    "detect_frame": "CPU s a frame",
    "detect_look": "CPU s a frame",
    "detect_network": "CPU s a frame",
    "confirm_observation": "CPU s an observation",
    "confirm_rules": "CPU s an observation",
    "alert": "CPU s a second",
    "desk": "CPU s a second",
    "bus_mb": "CPU s a MB written",
    "frame_bytes": "bytes",
    "observation_bytes": "bytes",
    "stream_mbit": "Mbit/s a camera",
    "grab_mb": "MB a process",
    "grab_camera_mb": "MB a camera",
    "detect_mb": "MB a process",
    "confirm_mb": "MB",
    "alert_mb": "MB",
    "desk_mb": "MB",
    "broker_mb_per_s": "MB/s a broker",
}
"""The units that a profile must have, and what each is counted in."""
CHOICES = (
    "frames_per_camera_s",
    "utilisation",
    "replication",
    "least_brokers",
    "broker_mb",
    "database_cores",
    "database_mb",
    "frames_retention_s",
    "observations_retention_days",
    "evidence_mb_per_camera_day",
    "evidence_days",
    "server_cores",
    "price_core_month",
    "price_memory_gb_month",
    "price_disk_gb_month",
    "price_gpu_month",
)
"""What is chosen, not measured; each with the reason."""


class Strict(BaseModel):
    """Unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Unit(Strict):
    """A measured cost. `reference` is what the plain way of the same work cost in the same run: load raises both."""

    value: Annotated[float, Field(gt=0)]
    unit: str
    command: Annotated[str, Field(min_length=1)]
    reference: Annotated[float, Field(gt=0)] | None = None


class Choice(Strict):
    """Something chosen: its value and why."""

    value: Annotated[float, Field(ge=0)]
    why: Annotated[str, Field(min_length=1)]


class Check(Strict):
    """A whole line that was measured: what the plan must give for it, CPU s a second."""

    cameras: Annotated[int, Field(gt=0)]
    pictures_per_camera_s: Annotated[float, Field(gt=0)]
    cpu_s_per_s: Annotated[float, Field(gt=0)]
    command: Annotated[str, Field(min_length=1)]


class Profile(Strict):
    """The costs of one machine."""

    machine: str
    measured: date
    units: dict[str, Unit]
    choices: dict[str, Choice]
    line: Check

    @model_validator(mode="after")
    def _complete(self) -> "Profile":
        for names, there in ((COSTS, self.units), (CHOICES, self.choices)):
            missing, unknown = set(names) - set(there), set(there) - set(names)
            if missing or unknown:
                raise ValueError(f"missing {sorted(missing)}, unknown {sorted(unknown)}")
        return self

    def cost(self, name: str) -> float:
        """Return a measured cost."""
        return self.units[name].value

    def choice(self, name: str) -> float:
        """Return what was chosen."""
        return self.choices[name].value


def load_profile(file: Path) -> Profile:
    """Read a profile.

    Raises:
        ConfigError: It cannot be read, or a unit is missing or wrong; names the file and the key.
    """
    try:
        return Profile.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{file}: cannot be read: {error}") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise ConfigError(f"{file}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error


def write_profile(file: Path, before: Profile, bench: dict[str, Any], city: dict[str, Any] | None, today: date) -> None:
    """Write a profile from what `siaga bench` and `siaga bench city` measured; choices and the rest stay as they were.

    Args:
        file: The file to write.
        before: The profile so far.
        bench: The JSON of `siaga bench`.
        city: The JSON of `siaga bench city`; None keeps what it measures as it was.
        today: The date to write into it.
    """
    machine = bench["machine"]
    units = dict(before.units)
    for name, (value, reference) in {**_of_bench(bench), **(_of_city(city) if city else {})}.items():
        units[name] = units[name].model_copy(update={"value": value, "reference": reference})
    line = _last(bench)
    changes = {
        "machine": f"{machine['cpu']}, {machine['cores']} cores, load before {machine['load_before']}",
        "measured": today,
        "units": units,
        "line": before.line.model_copy(
            update={
                "cameras": line["cameras"],
                "pictures_per_camera_s": line["pictures_per_camera_s"],
                "cpu_s_per_s": round(sum(line["cpu_s_per_s"].values()), 3),
            }
        ),
    }
    head = "# Measured costs of one machine; `siaga plan` reckons with them. Written by `siaga bench profile`.\n\n"
    text = yaml.safe_dump(before.model_copy(update=changes).model_dump(exclude_none=True), sort_keys=False, width=120)
    file.write_text(head + text, encoding="utf-8")


Measured = dict[str, tuple[float, float | None]]


def _last(bench: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = bench["line"]["sizes"][-1]
    return found


def _of_bench(bench: dict[str, Any]) -> Measured:
    """Return what `siaga bench` measured: each value, and its plain way's."""
    line, detect, confirm, units = (
        _last(bench),
        bench["detect"]["cpu_ms_per_frame"],
        bench["confirm"],
        bench["grab"]["units"],
    )
    parts, memory = line["cpu_s_per_s"], line["memory_mb"]
    frames = line["cameras"] * line["pictures_per_camera_s"]
    detectors = sum(part for name, part in parts.items() if name.startswith("detect"))
    one = units["grab_camera_mb"]
    return {
        "grab_camera": (round(parts["grab"] / line["cameras"], 5), None),
        "grab_picture": (units["grab_picture"]["cpu_s"], units["grab_picture"]["reference_cpu_s"]),
        "detect_frame": (round(detectors / frames, 5), None),
        "detect_look": (round(detect["worker_with_jpeg"] / 1000, 6), round(detect["bare"] / 1000, 6)),
        "detect_network": (round(detect["bare"] / 1000, 6), None),
        "confirm_rules": (
            round(1 / confirm["both_per_s_per_core"], 8),
            round(1 / confirm["observations_read_per_s_per_core"], 8),
        ),
        "alert": (parts["alert"], None),
        "desk": (parts["desk"], None),
        "frame_bytes": (bench["detect"]["jpeg_bytes"], None),
        "stream_mbit": (units["stream_mbit"], None),
        "grab_mb": (round(max(1.0, memory["grab"] - one * line["cameras"]), 1), None),
        "grab_camera_mb": (one, None),
        "detect_mb": (max(mb for name, mb in memory.items() if name.startswith("detect")), None),
        "confirm_mb": (memory["confirm"], None),
        "alert_mb": (memory["alert"], None),
        "desk_mb": (memory["desk"], None),
        **_of_bus(bench["bus"]),
    }


def _of_bus(bus: dict[str, Any]) -> Measured:
    """Return how fast one broker took frames from one client."""
    broker = bus.get("apache_kafka", {})
    broker = bus["embedded"] if "produce" not in broker else broker
    return {"broker_mb_per_s": (broker["produce"]["mb_per_s"], None)}


def _of_city(city: dict[str, Any]) -> Measured:
    """Return what `siaga bench city` measured where every stage has as much to do as in a city."""
    rates, used, memory = city["rates"], city["cpu_s_per_s"], city["memory_mb"]
    return {
        "confirm_observation": (round(used["confirm"] / rates["observations_per_s"], 8), None),
        "bus_mb": (round(used["broker"] / rates["mb_per_s"], 6), None),
        "alert": (used["alert"], None),
        "desk": (used["desk"], None),
        "observation_bytes": (rates["observation_bytes"], None),
        **{f"{stage}_mb": (memory[stage]["max"], None) for stage in ("confirm", "alert", "desk")},
    }
