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
    document.getElementById("main").replaceChildren(...fresh.getElementById("main").childNodes);
    document.body.classList.remove("lost");
  } catch { document.body.classList.add("lost"); }
}, every);
