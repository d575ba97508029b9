"use strict";
// A clip frame by frame: the length of a frame is measured while it plays.
siaga.frameOf = new WeakMap();
siaga.measure = (video) => {
  if (video.dataset.measured || !video.requestVideoFrameCallback) return;
  video.dataset.measured = "1";
  let last = -1;
  const steps = [];
  const look = (_now, { mediaTime }) => {
    const step = mediaTime - last;
    if (last >= 0 && step > 0.004 && step < 1.5) steps.push(step);
    last = mediaTime;
    if (steps.length) siaga.frameOf.set(video, Math.min(...steps)); // a busy machine leaves frames out: the shortest is one frame
    if (steps.length < 60) video.requestVideoFrameCallback(look);
  };
  video.requestVideoFrameCallback(look);
};
siaga.frame = (by) => {
  const video = [...document.querySelectorAll("video[data-clip]")].find((el) => el.offsetParent);
  if (!video) return false;
  video.pause();
  const step = siaga.frameOf.get(video) || 0.04;
  video.currentTime = Math.min(Math.max(0, video.currentTime + by * step), Math.max(0, (video.duration || 0) - 0.001));
  return true;
};
addEventListener("keydown", (event) => {
  if (event.target.closest?.("input, textarea, select, dialog[open]") || event.ctrlKey || event.metaKey || event.altKey) return;
  if ((event.key === "," && siaga.frame(-1)) || (event.key === "." && siaga.frame(1))) event.preventDefault();
});
addEventListener("click", (event) => {
  const by = event.target.closest?.("[data-frame]")?.dataset.frame;
  if (by) siaga.frame(Number(by));
});
siaga.measureAll = () => document.querySelectorAll("video[data-clip]").forEach(siaga.measure);
document.addEventListener("siaga:changed", siaga.measureAll);
siaga.measureAll();
