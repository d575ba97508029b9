"use strict";
// How long until an incident goes up one level; at zero the words change, and the server's news follows within a second.
siaga.rise = () => {
  document.querySelectorAll("[data-rise]").forEach((el) => {
    const left = Number(el.dataset.rise) - siaga.now();
    const over = left <= 0;
    el.querySelector("[data-before]").hidden = over;
    el.querySelector("[data-after]").hidden = !over;
    el.classList.toggle("soon", left < 15000);
    const time = el.querySelector("time");
    const text = siaga.running(left + 999);
    if (time.textContent !== text) time.textContent = text;
  });
};
document.addEventListener("siaga:changed", siaga.rise);
siaga.rise();
setInterval(siaga.rise, 500);
