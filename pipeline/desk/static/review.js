"use strict";
// The review: a key is a verdict. It is written down on this device first and sent then, so that no lost line loses one.
(() => {
  const main = document.querySelector("main.review");
  const show = document.getElementById("show");
  const csrf = document.getElementById("review").elements.csrf.value;
  const store = `siaga.verdicts.${main.dataset.who}`; // another person at this device sends only their own
  const judged = new Set();
  let before = null;
  let shownAt = 0;
  let busy = false;
  let active = Date.now();

  const queue = () => JSON.parse(localStorage.getItem(store) || "[]");
  const keep = (items) => { localStorage.setItem(store, JSON.stringify(items)); tell(); };
  const tell = () => {
    const n = queue().length;
    document.getElementById("queued").hidden = n < 2; // one is simply on its way
    document.querySelector("#queued [data-n]").textContent = n;
  };
  const current = () => show.querySelector("article:not([hidden])");
  const pressed = (el, on) => el.setAttribute("aria-pressed", on);
  const token = () => [...crypto.getRandomValues(new Uint8Array(16))].map((n) => n.toString(16).padStart(2, "0")).join("");

  const next = () => {
    const first = current() || show.querySelector("article");
    document.querySelectorAll("[data-verdict], [data-second]").forEach((el) => { el.disabled = !first; });
    main.querySelector("[data-back]").disabled = !before;
    if (!first || !first.hidden) return;
    first.hidden = false;
    shownAt = performance.now();
    main.querySelectorAll("[aria-pressed]").forEach((el) => pressed(el, false));
    const video = first.querySelector("video");
    video.currentTime = 0;
    video.play().catch(() => { /* the controls are there: a tap plays it */ });
  };

  const take = (html) => {
    const fresh = new DOMParser().parseFromString(html, "text/html");
    ["progress", "agreed"].forEach((id) => document.getElementById(id).replaceWith(fresh.getElementById(id)));
    const waiting = new Set(queue().map((item) => String(item.clip)));
    const wanted = [...fresh.querySelectorAll("#clips article")].filter((el) => !judged.has(el.dataset.id) && !waiting.has(el.dataset.id));
    const ids = new Set(wanted.map((el) => el.dataset.id));
    [...show.children].forEach((el) => { if (!ids.has(el.dataset.id) && !el.dataset.again) el.remove(); }); // no longer ours
    const here = new Set([...show.children].map((el) => el.dataset.id));
    wanted.forEach((el) => { if (!here.has(el.dataset.id)) show.append(el); });
    document.getElementById("loading").hidden = true;
    document.getElementById("none").hidden = show.children.length > 0;
    next();
  };

  const post = async (url, fields) => siaga.fetchPart(url, { method: "POST", body: new URLSearchParams({ csrf, ...fields }) });

  const flush = async () => {
    if (busy) return;
    busy = true;
    try {
      for (let items = queue(); items.length; items = queue()) {
        const answer = await post("/tinjau/putusan", items[0]);
        const final = answer.ok || answer.status === 404 || answer.status === 422; // the clip is gone: it cannot be kept
        document.getElementById("stale").hidden = answer.status !== 403;
        if (!final) break;
        keep(queue().filter((item) => item.token !== items[0].token));
        if (answer.ok) take(await answer.text());
      }
    } catch { siaga.lost(); }
    busy = false;
  };

  const renew = async () => {
    if (queue().length) { await flush(); return; }
    try {
      const answer = await post("/tinjau/klip", {});
      if (answer.ok) take(await answer.text());
    } catch { siaga.lost(); }
  };

  const judge = (verdict) => {
    const clip = current();
    if (!clip) return;
    const tags = [...main.querySelectorAll("[data-tag][aria-pressed=true]")].map((el) => el.dataset.tag).join(" ");
    const second = main.querySelector("[data-second]").getAttribute("aria-pressed");
    const hands = Math.round(performance.now() - shownAt);
    judged.add(clip.dataset.id);
    clip.querySelector("video").pause();
    clip.remove();
    clip.hidden = true;
    before = clip;
    keep([...queue(), { token: token(), clip: clip.dataset.id, verdict, tags, second, hands_ms: hands }]);
    document.getElementById("loading").hidden = show.children.length > 0;
    next();
    flush();
  };

  const back = () => {
    if (!before) return;
    const now = current();
    if (now) { now.querySelector("video").pause(); now.hidden = true; }
    before.dataset.again = "1"; // judged already: the desk does not hand it out, it stays until it is judged anew
    show.prepend(before);
    before = null;
    document.getElementById("loading").hidden = true;
    document.getElementById("none").hidden = true;
    next();
  };

  main.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.dataset.verdict) judge(button.dataset.verdict);
    else if ("back" in button.dataset) back();
    else if (button.dataset.tag || "second" in button.dataset) pressed(button, button.getAttribute("aria-pressed") !== "true");
  });
  ["keydown", "pointerdown"].forEach((name) => addEventListener(name, () => { active = Date.now(); }));
  document.addEventListener("siaga:found", renew);
  setInterval(() => { // who has gone away gives the clips back by not asking for them again
    if (document.visibilityState === "visible" && Date.now() - active < 600000) renew();
  }, Number(main.dataset.lease) / 3);
  setInterval(() => { if (queue().length) flush(); }, 3000);
  addEventListener("pagehide", () => navigator.sendBeacon("/tinjau/lepas", new URLSearchParams({ csrf })));
  addEventListener("pageshow", (event) => { if (event.persisted) renew(); });
  tell();
  flush().then(renew);
})();
