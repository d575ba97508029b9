"""`siaga.yaml`: one strict file; each error names the file, the line and the key."""

from pathlib import Path
from typing import Any

import yaml
from pydantic import Field, ValidationError

from pipeline.ops.archive_section import ArchiveSection
from pipeline.ops.errors import ConfigError
from pipeline.ops.public_section import PublicSection, ReviewSection
from pipeline.ops.sections import (
    AlertSection,
    BusSection,
    CitySection,
    ConfirmSection,
    DeskSection,
    DetectSection,
    GrabSection,
    OpsSection,
    Section,
    StoreSection,
)
from pipeline.ops.siting_section import SitingSection


class Settings(Section):
    """The whole configuration. `base` is the folder of the file; relative registry paths start there."""

    base: Path = Field(default=Path(), exclude=True)
    data_dir: Path = Field(
        default=Path("var"), description="Folder of database, bus log and evidence, relative to where Siaga is started"
    )
    city: CitySection = CitySection()
    bus: BusSection = BusSection()
    grab: GrabSection = GrabSection()
    detect: DetectSection = DetectSection()
    confirm: ConfirmSection = ConfirmSection()
    store: StoreSection = StoreSection()
    alert: AlertSection = AlertSection()
    desk: DeskSection = DeskSection()
    review: ReviewSection = ReviewSection()
    public: PublicSection = PublicSection()
    siting: SitingSection = SitingSection()
    archive: ArchiveSection = ArchiveSection()
    ops: OpsSection = OpsSection()

    def registry_path(self, name: str) -> Path:
        """Return a registry file named in the configuration, relative to the configuration's folder."""
        return (self.base / name).resolve()

    def data_path(self, name: str) -> Path:
        """Return a runtime path, relative to the data folder."""
        return (self.data_dir / name).resolve()

    def model_path(self, name: str) -> Path:
        """Return a model folder: absolute, under the configuration's folder, or under the repository's root."""
        for root in (self.base, self.base.parent, Path(__file__).resolve().parents[2]):
            if (root / name).exists():
                return (root / name).resolve()
        return (self.base / name).resolve()


def _locate(node: yaml.Node | None, path: tuple[int | str, ...]) -> int:
    """Return the 1-based line of the deepest part of `path` that the YAML tree holds."""
    line = 1
    for part in path:
        if isinstance(node, yaml.MappingNode):
            hit = next(((k, v) for k, v in node.value if k.value == str(part)), None)
            if hit is None:
                break
            line, node = hit[0].start_mark.line + 1, hit[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            break
    return line


def _duplicates(node: yaml.Node | None, file: Path) -> None:
    """Refuse a key that stands twice in one mapping: YAML would silently keep the last."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                raise ConfigError(f"{file}:{key.start_mark.line + 1}: {key.value}: key stands twice")
            seen.add(key.value)
            _duplicates(value, file)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            _duplicates(value, file)


def _read(file: Path) -> tuple[yaml.Node | None, dict[str, Any]]:
    """Parse the file into its node tree (for lines) and its plain values."""
    try:
        text = file.read_text(encoding="utf-8")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        values = yaml.safe_load(text)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: cannot be read: {error}") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f":{mark.line + 1}" if mark else ""
        raise ConfigError(f"{file}{where}: not valid YAML: {getattr(error, 'problem', error)}") from error
    if values is None:
        return node, {}
    if not isinstance(values, dict):
        raise ConfigError(f"{file}:1: the file must be a mapping of sections")
    return node, values


def load_settings(file: Path, data_dir: Path | None = None) -> Settings:
    """Load and check `siaga.yaml`.

    Args:
        file: The configuration file.
        data_dir: Overrides `data_dir` of the file.

    Raises:
        ConfigError: One line per problem, `file:line: key: what is wrong`.
    """
    node, values = _read(file)
    _duplicates(node, file)
    if "base" in values:
        raise ConfigError(f"{file}:{_locate(node, ('base',))}: base: unknown key")
    try:
        settings = Settings.model_validate({**values, "base": file.resolve().parent})
    except ValidationError as error:
        raise ConfigError("\n".join(_explain(file, node, problem) for problem in error.errors())) from error
    return settings.model_copy(update={"data_dir": (data_dir or settings.data_dir).resolve()})


def _explain(file: Path, node: yaml.Node | None, problem: Any) -> str:
    """Say one validation problem as `file:line: key: message`."""
    path = tuple(part for part in problem["loc"] if part != "[key]")
    key = ".".join(str(part) for part in path)
    message = "unknown key" if problem["type"] == "extra_forbidden" else problem["msg"]
    return f"{file}:{_locate(node, path)}: {key}: {message}"
