"use strict";
// The page keeps itself up to date: an event says that something changed, and the parts it touches are fetched again.
siaga.merge = (box, fresh) => {
  // What did not change stays in place, not even moved: a moved video stops, a moved menu closes.
  const old = new Map([...box.children].filter((el) => el.dataset.key).map((el) => [el.dataset.key, el]));
  const wanted = [...fresh.childNodes].map((node) => {
    const before = node.dataset?.key && old.get(node.dataset.key);
    if (!before) { if (node.dataset?.key && old.size) node.classList.add("fresh"); return node; }
    if (node.dataset.v === undefined && before.dataset.v === undefined) { siaga.merge(before, node); return before; }
    return before.dataset.v === node.dataset.v ? before : node;
  });
  const keep = new Set(wanted);
  [...box.childNodes].forEach((node) => { if (!keep.has(node)) node.remove(); });
  let here = box.firstChild;
  for (const node of wanted) {
    if (node === here) here = here.nextSibling;
    else box.insertBefore(node, here);
  }
};

// Links to evidence live some ten minutes; a desk stays open for a night. Each fetched part brings new ones.
siaga.MEDIA = ["src", "href", "poster"];
siaga.media = function* (box) {
  for (const name of siaga.MEDIA) {
    for (const el of box.querySelectorAll(`[${name}^="/media/"]`)) yield [el, name, el.getAttribute(name)];
  }
};
siaga.links = (box) => new Map([...siaga.media(box)].map(([, , url]) => [url.split("?")[0], url]));
siaga.renew = (box, links) => {
  for (const [el, name, url] of siaga.media(box)) {
    const fresh = links.get(url.split("?")[0]);
    const video = el.closest("video");
    if (!fresh || fresh === url || (video && !video.error && (!video.paused || video.currentTime > 0))) continue;
    el.setAttribute(name, fresh);
    if (video && el !== video) video.load();
  }
};

siaga.swap = (box, html) => {
  const fresh = new DOMParser().parseFromString(html, "text/html").body;
  const links = siaga.links(fresh);
  const open = [...box.querySelectorAll("details[open][id]")].map((el) => el.id);
  const focus = box.contains(document.activeElement) ? document.activeElement.id : "";
  siaga.merge(box, fresh);
  siaga.renew(box, links);
  open.forEach((id) => { const el = document.getElementById(id); if (el) el.open = true; });
  if (focus && document.activeElement?.id !== focus) document.getElementById(focus)?.focus({ preventScroll: true });
  siaga.tick();
  document.dispatchEvent(new Event("siaga:changed"));
};

siaga.fetchPart = async (url, options = {}) => {
  const answer = await fetch(url, { ...options, headers: { "X-Siaga": "part" }, credentials: "same-origin" });
  if (answer.status === 401) location.assign("/masuk");
  return answer;
};

siaga.refresh = (box) => {
  if (box.siagaBusy) { box.siagaAgain = true; return; }
  box.siagaBusy = true;
  setTimeout(async () => { // a burst of events costs one request
    box.siagaAgain = false;
    const url = box.dataset.live;
    try {
      const answer = await siaga.fetchPart(url);
      if (url === box.dataset.live && (answer.ok || answer.status === 404)) siaga.swap(box, await answer.text());
    } catch { siaga.lost(); }
    box.siagaBusy = false;
    if (box.siagaAgain) siaga.refresh(box);
  }, 100);
};

siaga.refreshAll = (what, incident) => {
  document.querySelectorAll("[data-live]").forEach((box) => {
    if (!box.dataset.live) return;
    const wanted = !what || box.dataset.on.split(" ").includes(what);
    const mine = !incident || !box.dataset.incident || box.dataset.incident === incident;
    if (wanted && mine) siaga.refresh(box);
  });
};

siaga.lostAt = 0;
siaga.lost = () => {
  if (siaga.lostAt) return;
  siaga.lostAt = siaga.now();
  const band = document.getElementById("lost");
  band.querySelector("[data-at]").textContent = siaga.local(siaga.lostAt, true);
  band.hidden = false;
};
siaga.found = () => {
  if (!siaga.lostAt) return;
  siaga.lostAt = 0;
  document.getElementById("lost").hidden = true;
  siaga.refreshAll();
  document.dispatchEvent(new Event("siaga:found"));
};

siaga.listen = () => {
  let heard = Date.now();
  let cursor = document.body.dataset.cursor;
  let stream;
  const begin = () => {
    stream?.close();
    stream = new EventSource(`/arus?sejak=${encodeURIComponent(cursor)}`);
    const alive = (event) => { heard = Date.now(); if (event.lastEventId) cursor = event.lastEventId; siaga.found(); };
    stream.addEventListener("tick", (event) => { alive(event); siaga.setServerTime(Number(event.data)); });
    stream.addEventListener("incident", (event) => {
      alive(event);
      const news = JSON.parse(event.data);
      siaga.refreshAll(/^(drill|test)_/.test(news.what) ? "exercise" : "incident", news.id);
    });
    stream.addEventListener("camera", (event) => { alive(event); siaga.refreshAll("camera"); });
    stream.addEventListener("health", (event) => { alive(event); siaga.refreshAll("camera"); });
    stream.addEventListener("again", (event) => { alive(event); siaga.refreshAll(); });
    stream.addEventListener("out", () => location.assign("/masuk"));
    stream.onerror = () => { siaga.lost(); if (stream.readyState === EventSource.CLOSED) setTimeout(begin, 3000); };
  };
  begin();
  setInterval(() => { // a line that is dead without a word: nothing heard for two beats
    if (Date.now() - heard > 13000) { siaga.lost(); heard = Date.now(); begin(); }
  }, 2000);
  setInterval(() => siaga.refreshAll(), 4 * 60 * 1000); // links to evidence are renewed before they end
  document.addEventListener("error", (event) => { // one that ended meanwhile is asked for again, once a minute at most
    const box = event.target.closest?.("[data-live]");
    const url = event.target.currentSrc || event.target.src || "";
    if (!box?.dataset.live || !url.includes("/media/") || Date.now() - (box.siagaRenewed || 0) < 60000) return;
    box.siagaRenewed = Date.now();
    siaga.refresh(box);
  }, true);
  addEventListener("online", begin);
  addEventListener("offline", siaga.lost);
};
if (document.body.dataset.cursor) siaga.listen();

// The count in the title and in the tab's picture, from the bottom line that every page has.
siaga.count = () => {
  const n = Number(document.querySelector("[data-count]")?.dataset.count || 0);
  document.querySelectorAll(".count").forEach((el) => { el.dataset.n = n; el.textContent = n; });
  document.title = (n ? `(${n}) ` : "") + document.documentElement.dataset.title;
  const canvas = Object.assign(document.createElement("canvas"), { width: 32, height: 32 });
  const pen = canvas.getContext("2d");
  pen.fillStyle = n ? "#b91c1c" : "#4b5563";
  pen.beginPath(); pen.arc(16, 16, 16, 0, 7); pen.fill();
  pen.fillStyle = "#fff"; pen.font = "bold 22px sans-serif"; pen.textAlign = "center"; pen.textBaseline = "middle";
  pen.fillText(n > 9 ? "9+" : String(n), 16, 17);
  document.querySelector("link[rel=icon]").href = canvas.toDataURL();
};
document.addEventListener("siaga:changed", siaga.count);
siaga.count();
