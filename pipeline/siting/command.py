"""`siaga plan-sites`: from files or the database to a folder of reports."""

from dataclasses import dataclass
from pathlib import Path

from pipeline.ops.clock import Clock, now_ms
from pipeline.ops.errors import ConfigError
from pipeline.ops.settings import Settings
from pipeline.siting.document import plan_document
from pipeline.siting.gather import Files, gather, registry_of
from pipeline.siting.money import parse_budget, rupiah
from pipeline.siting.plan import Ask, Method, make_plan
from pipeline.siting.problem import MICRO
from pipeline.siting.report.files import report_files
from pipeline.siting.study import Study
from pipeline.siting.tables import read_candidates
from pipeline.siting.whole import check_folder, write_folder
from pipeline.store.database import open_database


@dataclass(frozen=True)
class Wanted:
    """The command's options as they were typed."""

    budget: str
    method: Method = "exact"
    needs: Path | None = None
    hotspots: Path | None = None
    candidates: Path | None = None
    grid: bool = False
    requests: bool = True
    floors: tuple[str, ...] = ()
    force_in: tuple[str, ...] = ()
    force_out: tuple[str, ...] = ()
    moves: int = 0
    movable: tuple[str, ...] = ()
    sensitivity: bool = True
    name: str = ""


def parse_floors(texts: tuple[str, ...]) -> dict[str, int]:
    """Read floors like `kota=1` or `31.71=3`.

    Raises:
        ConfigError: One is not of this form.
    """
    found: dict[str, int] = {}
    for text in texts:
        area, mark, number = (part.strip() for part in text.partition("="))
        if not mark or not area or not number.isdecimal():
            raise ConfigError(f"jumlah minimum {text!r}: bukan seperti kota=1 atau 31.71=3")
        found[area] = int(number)
    return found


def run_plan_sites(settings: Settings, wanted: Wanted, out: Path, clock: Clock = now_ms) -> str:
    """Plan and write the folder.

    Returns:
        What was planned, for a person.

    Raises:
        ConfigError: One line per problem; nothing is written.
    """
    check_folder(out)
    budget, floors = parse_budget(wanted.budget), parse_floors(wanted.floors)
    database = open_database(settings)
    database.migrate()
    with database.reading() as session:
        registry = registry_of(settings, session)
        study = Study(gather(settings, registry, session, Files(wanted.needs, wanted.hotspots), clock()))
    city = study.inputs.city
    listed = read_candidates(wanted.candidates, city, settings.siting) if wanted.candidates else []
    ask = Ask(
        budget, wanted.method, floors, wanted.force_in, wanted.force_out, wanted.moves, wanted.movable, tuple(listed),
        wanted.requests, wanted.grid, sensitivity=wanted.sensitivity,
    )  # fmt: skip
    told = plan_document(study, make_plan(study, ask), wanted.name)
    write_folder(out, report_files(told, city, study.inputs.views))
    need = told["coverage"]["need"]
    before, after = (f"{value / need:.1%}" if need > 0 else "-" for value in (told["coverage"]["seen"], told["after"]))
    return (
        f"{out}: {len(told['sites'])} lokasi, {rupiah(told['cost'])}, kebutuhan terlihat {before} -> {after}, "
        f"nilai {told['value_micro'] / MICRO:.2f} (selisih dari batas atas {told['gap']:.2%})"
    )
