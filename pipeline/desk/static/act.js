"use strict";
// Decisions: sent without leaving the page, kept while the line is down, told when somebody else was first.
siaga.say = (html) => {
  const toast = document.getElementById("toast");
  toast.innerHTML = ""; // only ever filled with fragments of this server, parsed as inert HTML
  toast.append(...new DOMParser().parseFromString(html, "text/html").body.childNodes);
  toast.hidden = false;
  clearTimeout(siaga.sayTimer);
  siaga.sayTimer = setTimeout(() => { toast.hidden = true; }, 30000);
  siaga.tick();
};

siaga.queue = {
  all: () => JSON.parse(sessionStorage.getItem("siaga.queue") || "[]"),
  put: (items) => sessionStorage.setItem("siaga.queue", JSON.stringify(items)),
  add: (item) => siaga.queue.put([...siaga.queue.all(), item]),
};

siaga.send = async (item) => {
  const answer = await siaga.fetchPart(item.url, { method: "POST", body: new URLSearchParams(item.fields) });
  siaga.say(await answer.text());
  if (answer.ok && item.incident) localStorage.removeItem(`siaga.note.${item.incident}`);
  siaga.refreshAll("incident");
};

siaga.flush = async () => {
  while (siaga.queue.all().length) {
    const [first, ...rest] = siaga.queue.all();
    try { await siaga.send(first); } catch { return; }
    siaga.queue.put(rest);
  }
};
document.addEventListener("siaga:found", siaga.flush);
siaga.flush();

document.addEventListener("submit", async (event) => {
  const form = event.target.closest("form[data-act]");
  if (!form) return;
  event.preventDefault();
  const fields = Object.fromEntries(new FormData(form));
  if (event.submitter?.name) fields[event.submitter.name] = event.submitter.value;
  const acts = form.closest("[data-acts]");
  const note = acts?.querySelector("textarea[data-note]")?.value.trim();
  if (note && !fields.decided_ms) fields.note = note;
  const item = { url: form.action, fields, incident: acts?.dataset.acts };
  form.querySelectorAll("button").forEach((el) => { el.disabled = true; });
  try {
    await siaga.send(item);
  } catch {
    siaga.queue.add(item);
    siaga.lost();
    siaga.say(document.getElementById("kept").innerHTML);
  }
});

// On a wide screen the chosen incident stands beside the list; on a phone a link is a link.
siaga.side = document.getElementById("side");
siaga.wide = matchMedia("(min-width: 1100px)");
siaga.choose = (id) => {
  siaga.side.dataset.incident = id;
  siaga.side.dataset.live = `/kejadian/${encodeURIComponent(id)}/isi`;
  siaga.refresh(siaga.side);
  siaga.mark();
};
siaga.mark = () => {
  if (!siaga.side || !siaga.wide.matches) return;
  const cards = [...document.querySelectorAll("#list [data-incident]")];
  const id = siaga.side.dataset.incident;
  if (!cards.some((el) => el.dataset.incident === id) && cards.length) { siaga.choose(cards[0].dataset.incident); return; }
  if (!cards.length && id) { siaga.side.dataset.incident = ""; siaga.side.replaceChildren(); }
  cards.forEach((el) => el.classList.toggle("chosen", el.dataset.incident === siaga.side.dataset.incident));
  document.querySelector("main.board").classList.toggle("alone", !cards.length);
};
if (siaga.side) {
  document.addEventListener("siaga:changed", siaga.mark);
  siaga.wide.addEventListener("change", siaga.mark);
  siaga.mark();
  document.getElementById("list").addEventListener("click", (event) => {
    const link = event.target.closest("a[href^='/kejadian/']");
    if (!link || !siaga.wide.matches || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    siaga.choose(link.closest("[data-incident]").dataset.incident);
  });
}
