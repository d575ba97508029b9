"""The answers of the public view: made once per interval as bytes, handed out from memory, whoever asks."""

import gzip
import hashlib
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from zoneinfo import ZoneInfo

import structlog
from prometheus_client import Counter

from pipeline.city.registry import Registry
from pipeline.desk import words
from pipeline.desk.areas import EVERYWHERE
from pipeline.desk.faults import STORE_FAULTS
from pipeline.desk.finding import CATEGORY_WORDS
from pipeline.desk.gate import security_headers
from pipeline.desk.i18n import LANGUAGES, Language, translate
from pipeline.desk.maps import CityMap
from pipeline.desk.pages import environment
from pipeline.desk.publicview import news
from pipeline.desk.publicview.requests import wishes
from pipeline.desk.publicview.watch import Picture, Watcher
from pipeline.ops.clock import Clock
from pipeline.ops.settings import Settings
from pipeline.store.database import Database, explain

log = structlog.get_logger(__name__)
RENDERS = Counter("siaga_public_renders_total", "Times the public view was made anew", ["outcome"])
OUTLINES = "/publik/batas.json"
PATHS: Mapping[Language, str] = {"id": "/publik", "en": "/publik/en"}
WISHES: Mapping[Language, str] = {"id": "/publik/permintaan", "en": "/publik/en/permintaan"}
CLOSE_S = 3.0


@dataclass(frozen=True)
class Answer:
    """A prepared answer: body, the same by gzip where that is smaller, type, and the ETag that names the content."""

    body: bytes = field(repr=False)
    packed: bytes | None = field(repr=False)
    media_type: str
    etag: str

    @classmethod
    def of(cls, body: bytes, media_type: str) -> "Answer":
        """Prepare a body."""
        packed = None if media_type.startswith("image/") else gzip.compress(body, 6)
        return cls(body, packed, media_type, f'"{hashlib.sha256(body).hexdigest()[:32]}"')


class PublicView:
    """Keeps the newest pictures and the prepared answers.

    Args:
        settings: The configuration; nothing is made or served unless `public.enabled`.
        registry: Cameras and kelurahan.
        database: Where the confirmed incidents are.
        clock: Time now, epoch ms.
        city_map: Outlines of the kelurahan; None reads them.
    """

    def __init__(
        self,
        settings: Settings,
        registry: Registry,
        database: Database,
        clock: Clock,
        city_map: CityMap | None = None,
    ) -> None:
        self._settings, self._registry, self._database, self._clock = settings, registry, database, clock
        self._zone = ZoneInfo(settings.city.timezone)
        self._city_map = city_map or CityMap(settings, registry)
        self._outlines: Answer | None = None
        self._pictures: dict[str, Picture] = {}
        self._answers: Mapping[str, Answer] = {}
        self._made_ms = 0
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    @property
    def enabled(self) -> bool:
        """Whether the public may look at all."""
        return self._settings.public.enabled

    @property
    def every_s(self) -> int:
        """For how long an answer may be kept by caches, whole seconds."""
        return max(1, int(self._settings.public.every_s))

    @property
    def security(self) -> Mapping[str, str]:
        """The security headers of every answer."""
        return security_headers(self._settings.desk.map.origin)

    def start(self) -> None:
        """Begin to make answers and, where some camera is public, pictures; each in a thread of its own."""
        if not self.enabled:
            return
        work = [("public-page", self._keep_making)]
        if news.public_cameras(self._registry):
            watcher = Watcher(self._settings, self._registry, self._clock, self.publish)
            work.append(("public-pictures", partial(watcher.run, self._stop)))
        self._threads = [threading.Thread(target=run, name=name, daemon=True) for name, run in work]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """End the threads; one that waits for the bus is left behind, it holds nothing."""
        self._stop.set()
        for thread in self._threads:
            thread.join(CLOSE_S)

    def publish(self, picture: Picture) -> None:
        """Take a picture with people blurred; it is shown with the next page."""
        self._pictures = {**self._pictures, picture.camera: picture}

    def answer(self, path: str) -> Answer | None:
        """Return the prepared answer for a path; None when there is none, or all that there is has become too old."""
        if self._clock() - self._made_ms > self._settings.public.gone_after_s * 1000:
            return None
        return self._answers.get(path)

    def _keep_making(self) -> None:
        """Make the answers anew each interval; while the store does not answer the last ones stand, until too old."""
        while True:
            try:
                self.make()
            except STORE_FAULTS as error:
                RENDERS.labels("store").inc()
                log.warning("public.not_made", reason=explain(error))
            if self._stop.wait(self._settings.public.every_s):
                return

    def make(self) -> None:
        """Make every answer."""
        now, public = self._clock(), self._settings.public
        with self._database.reading() as session:
            rows = news.confirmed(session, public, now)
        cameras = news.public_cameras(self._registry)
        shown = {
            camera.id: self._pictures[camera.id]
            for camera in cameras
            if camera.id in self._pictures and now - self._pictures[camera.id].captured_ms <= public.gone_after_s * 1000
        }
        self._pictures = dict(shown)
        chart = news.Chart.around(news.places_of(self._registry, rows))
        values = {
            "told": [news.tell(self._registry, chart, row) for row in rows],
            "cameras": [news.see(self._registry, chart, c, shown.get(c.id), public, now) for c in cameras],
            "now_ms": now,
        }
        answers = {f"/publik/gambar/{name}.jpg": Answer.of(p.jpeg, "image/jpeg") for name, p in shown.items()}
        with self._database.reading() as session:
            values["wishes"] = wishes(session)
        self._outlines = self._outlines or Answer.of(self._city_map.outlines((EVERYWHERE,)), "application/json")
        answers[OUTLINES] = self._outlines
        for language in LANGUAGES:
            for template, path in (("public.html", PATHS[language]), ("public_requests.html", WISHES[language])):
                page = self._page(template, language, now, values)
                answers[path] = Answer.of(page, "text/html; charset=utf-8")
        self._answers, self._made_ms = answers, now
        RENDERS.labels("made").inc()

    def _page(self, template: str, language: Language, now: int, values: Mapping[str, object]) -> bytes:
        """Render the page in one language."""
        page = (
            environment()
            .get_template(template)
            .render(
                {
                    **values,
                    "t": partial(translate, language),
                    "language": language,
                    "other": next(name for name in LANGUAGES if name != language),
                    "paths": PATHS,
                    "wish_paths": WISHES,
                    "names": {code: ward.name for code, ward in self._registry.kelurahan.items()},
                    "categories": CATEGORY_WORDS,
                    "clock": lambda at_ms: words.clock_text(at_ms, self._zone, now),
                    "night": words.is_night(now, self._zone),
                    "city": self._settings.city.name,
                    "words": words,
                    "every_s": self.every_s,
                    "delay_s": int(self._settings.public.delay_s),
                    "size": (news.WIDTH, news.HEIGHT),
                    "tiles": self._settings.desk.map,
                    "outlines": OUTLINES,
                }
            )
        )
        return page.encode()
