"use strict";
// Drills and tests at the head of every page: fetched when one begins or ends, with a tone that no incident has.
(() => {
  const box = document.getElementById("exercises");
  if (!box) return;
  siaga.tones.exercise = ["sine", [0, 0.25, 0.5, 0.75], 523, 784, 0.2];
  const ring = () => {
    // A real incident rings alone.
    if (!box.querySelector("[data-ring]") || siaga.sound.waiting().length || !siaga.sound.on() || !siaga.sound.ready()) return;
    siaga.sound.play("exercise", false);
    box.dataset.rung = Number(box.dataset.rung || 0) + 1;
  };
  let known = "";
  document.addEventListener("siaga:changed", () => {
    const now = [...box.querySelectorAll("[data-ring]")].map((el) => el.dataset.exercise).join(" ");
    if (now !== known) { known = now; ring(); }
  });
  setInterval(ring, 6000);
  siaga.refresh(box);
})();
