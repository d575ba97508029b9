"use strict";
// The page fetches itself again as often as it is made anew; when that fails it stays as it is, with its time on it.
const every = Math.max(5, Number(document.body.dataset.every)) * 1000;
setInterval(async () => {
  if (document.hidden) return;
  try {
    const answer = await fetch(location.pathname, { credentials: "omit" });
    if (!answer.ok) throw new Error(String(answer.status));
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    document.documentElement.className = fresh.documentElement.className;
    fresh.querySelectorAll("[data-part]").forEach((part) => { // the map stays as the reader has moved it
      document.querySelector(`[data-part="${part.dataset.part}"]`)?.replaceWith(part);
    });
    document.dispatchEvent(new Event("siaga:changed"));
    document.body.classList.remove("lost");
  } catch { document.body.classList.add("lost"); }
}, every);
