"""How much is measured: a quick look, or everything."""

from dataclasses import dataclass, field

from pipeline.bench.films import Film

HEADLINE = Film(gop_s=2)


@dataclass(frozen=True)
class Plan:
    """Sizes and lengths of all sections.

    Attributes:
        headline: the stream whose ratio is the section's; measured `grab_rounds` times.
        grid: other streams, measured once.
        crowd: numbers of streams read by one process.
        grab_s: seconds of stream that a reader is measured for.
        detect_rounds: rounds of `detect_pictures` pictures.
        line_cameras: numbers of cameras that the whole line is measured with; the last is the section's.
        burning: cameras of them on which a fire breaks out.
        line_s: seconds that the line is measured for.
        settle_s: seconds before that.
        loops: processes of the loop that everybody writes.
        bus_records: frames of 60 KB sent and read a round.
        apache: measure Apache Kafka too, where it can be run.
        observations: observations a round.
        network_rounds: rounds of the network in other ways.
    """

    quick: bool = True
    headline: Film = HEADLINE
    grid: tuple[Film, ...] = ()
    crowd: tuple[int, ...] = ()
    grab_s: float = 6
    grab_rounds: int = 2
    detect_rounds: int = 5
    detect_pictures: int = 20
    line_cameras: tuple[int, ...] = (20,)
    burning: int = 6
    line_s: float = 15
    settle_s: float = 6
    loops: int = 3
    bus_records: int = 400
    bus_rounds: int = 3
    apache: bool = False
    observations: int = 30_000
    network_rounds: int = 4
    sections: tuple[str, ...] = field(default=("grab", "detect", "line", "confirm", "bus"))


QUICK = Plan()
FULL = Plan(
    quick=False,
    grid=(
        *(Film("720p", gop, codec) for codec in ("h264", "h265") for gop in (1, 2, 4) if (gop, codec) != (2, "h264")),
        *(Film(size, 2, codec) for size in ("480p", "1080p") for codec in ("h264", "h265")),
    ),
    crowd=(1, 20, 100),
    grab_s=8,
    grab_rounds=3,
    detect_rounds=15,
    line_cameras=(10, 30),
    line_s=30,
    settle_s=10,
    bus_records=1500,
    apache=True,
    observations=150_000,
)
