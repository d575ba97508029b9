"use strict";
// The whole desk by keyboard: one letter each, listed under "?"; nothing happens while somebody writes.
siaga.cards = () => [...document.querySelectorAll("#list article.card")];
siaga.here = () => document.activeElement.closest?.("article.card, main.incident")
  || document.querySelector("#list article.card.chosen, #list article.card") || document.querySelector("main");
siaga.step = (by) => {
  const cards = siaga.cards();
  if (!cards.length) return;
  const at = cards.indexOf(document.activeElement.closest?.("article.card"));
  const card = cards[at < 0 ? (by > 0 ? 0 : cards.length - 1) : (at + by + cards.length) % cards.length];
  card.querySelector(".place a").focus();
  card.scrollIntoView({ block: "nearest" });
  if (siaga.side && siaga.wide.matches) siaga.choose(card.dataset.incident);
};
siaga.press = (key) => {
  const target = [...siaga.here().querySelectorAll(`[data-k="${key}"]`)].find((el) => el.offsetParent && !el.disabled);
  if (!target) return false;
  target.click();
  if (target.tagName === "SUMMARY" && target.parentElement.open) target.parentElement.querySelector("button, textarea").focus();
  return true;
};
siaga.help = () => { const box = document.getElementById("keys"); if (!box.open) box.showModal(); };
document.querySelectorAll("[data-keys]").forEach((el) => el.addEventListener("click", siaga.help));
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (event.target.closest?.("input, textarea, select, dialog[open]")) return;
  const key = event.key.toLowerCase();
  if (key === "j" || key === "k") siaga.step(key === "j" ? 1 : -1);
  else if (key === "m") document.getElementById("sound")?.click();
  else if (key === "?") siaga.help();
  else if (key.length !== 1 || !siaga.press(key)) return;
  event.preventDefault();
});

// Notes are kept while they are written, on this device, until the decision that they belong to was sent.
siaga.drafts = {
  key: (id) => `siaga.note.${id}`,
  fill: () => document.querySelectorAll("textarea[data-note]").forEach((el) => {
    const kept = localStorage.getItem(siaga.drafts.key(el.dataset.note)) || "";
    if (!el.value && kept) { el.value = kept; el.closest("details").open = true; }
  }),
};
addEventListener("input", (event) => {
  const id = event.target.dataset?.note;
  if (id) localStorage.setItem(siaga.drafts.key(id), event.target.value);
});
document.addEventListener("siaga:changed", siaga.drafts.fill);
siaga.drafts.fill();

// What stood on the screen for a second was seen: said once for each incident.
siaga.seen = new Set();
siaga.watchers = new Map();
if ("IntersectionObserver" in window) {
  const eyes = new IntersectionObserver((entries) => entries.forEach(({ target, isIntersecting }) => {
    clearTimeout(siaga.watchers.get(target));
    const id = target.dataset.acts;
    if (!isIntersecting || siaga.seen.has(id)) return;
    siaga.watchers.set(target, setTimeout(async () => {
      if (document.visibilityState !== "visible" || siaga.seen.has(id)) return;
      siaga.seen.add(id);
      const csrf = target.querySelector("[name=csrf]")?.value;
      if (!csrf) return;
      try {
        await siaga.fetchPart(`/kejadian/${encodeURIComponent(id)}/dilihat`, { method: "POST", body: new URLSearchParams({ csrf }) });
      } catch { siaga.seen.delete(id); }
    }, 1000));
  }));
  const watch = () => document.querySelectorAll("[data-acts]").forEach((el) => {
    if (!el.dataset.watched) { el.dataset.watched = "1"; eyes.observe(el); }
  });
  document.addEventListener("siaga:changed", watch);
  watch();
}
