"use strict";
// Times that run: everything counts from the server's clock, because a cheap phone's own may be minutes off.
const siaga = { offset: 0, zone: document.documentElement.dataset.zone };
siaga.now = () => Date.now() + siaga.offset;
siaga.setServerTime = (ms) => { siaga.offset = ms - Date.now(); };
siaga.setServerTime(Number(document.documentElement.dataset.now));

siaga.running = (ms) => {
  const s = Math.max(0, Math.floor(ms / 1000));
  const two = (n) => String(n).padStart(2, "0");
  const hours = Math.floor(s / 3600);
  const rest = `${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
  return hours ? `${hours}:${rest}` : rest.replace(/^0/, "");
};

siaga.local = (ms, seconds) => new Intl.DateTimeFormat("en-GB", {
  timeZone: siaga.zone, hour: "2-digit", minute: "2-digit", second: seconds ? "2-digit" : undefined, hourCycle: "h23",
}).format(ms);

siaga.tick = () => {
  const now = siaga.now();
  const hour = Number(siaga.local(now).slice(0, 2));
  document.documentElement.classList.toggle("night", hour < 6 || hour >= 18);
  document.querySelectorAll("[data-clock]").forEach((el) => { el.textContent = siaga.local(now); });
  document.querySelectorAll("time[data-since]").forEach((el) => {
    el.textContent = siaga.running(now - Number(el.dataset.since));
  });
  document.querySelectorAll("[data-until]").forEach((el) => {
    const left = Math.ceil((Number(el.dataset.until) - now) / 1000);
    el.hidden = left <= 0;
    const count = el.querySelector("[data-left]");
    if (count) count.textContent = left;
  });
};
siaga.tick();
setInterval(siaga.tick, 1000);
