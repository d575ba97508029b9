"use strict";
// Stills are fetched only while they are seen: a tile in view, a page in front. One at a time for each tile.
siaga.still = (box, url, every) => {
  const img = box.querySelector("img");
  let ended = false;
  const again = (ms) => setTimeout(next, ms);
  const next = () => {
    if (ended || !box.isConnected) return;
    if (document.hidden) { again(1000); return; }
    const fresh = new Image();
    fresh.onload = () => { if (!ended) { img.src = fresh.src; box.classList.add("seen"); again(every); } };
    fresh.onerror = () => { if (!ended) { box.classList.remove("seen"); again(5000); } };
    fresh.src = `${url}?t=${Date.now()}`;
  };
  next();
  return () => { ended = true; };
};

siaga.wall = () => {
  const running = new Map();
  const watch = new IntersectionObserver((entries) => entries.forEach(({ target, isIntersecting }) => {
    running.get(target)?.();
    running.delete(target);
    if (isIntersecting) running.set(target, siaga.still(target, target.dataset.still, 1000));
  }), { rootMargin: "80px" });
  const watched = new WeakSet();
  const find = () => {
    for (const box of running.keys()) if (!box.isConnected) { running.get(box)(); running.delete(box); watch.unobserve(box); }
    document.querySelectorAll("[data-still]").forEach((box) => { if (!watched.has(box)) { watched.add(box); watch.observe(box); } });
  };
  document.addEventListener("siaga:changed", find);
  find();

  const large = document.getElementById("large");
  let end = () => {};
  document.getElementById("wall").addEventListener("click", (event) => {
    const box = event.target.closest("[data-still]");
    if (!box || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const tile = box.closest(".tile");
    const view = large.querySelector(".view");
    const img = view.querySelector("img");
    large.querySelector("#large-name").textContent = tile.querySelector(".name").textContent;
    large.querySelector("#large-state").textContent = tile.querySelector(".st").textContent;
    img.alt = box.querySelector("img").alt;
    img.removeAttribute("src");
    view.classList.remove("seen");
    end = siaga.still(view, box.dataset.still, 500);
    large.showModal();
  });
  large.addEventListener("close", () => end());
};
siaga.wall();
