"use strict";
// A short tone per kind, again and again until somebody accepts; louder after 30 s; off only by a visible switch.
siaga.tones = { // [wave, start of each note in s, from Hz, to Hz, length in s]
  fire: ["square", [0, 0.18, 0.36], 1175, 1175, 0.12],
  smoke: ["triangle", [0, 0.4], 740, 440, 0.32],
  flood: ["sine", [0, 0.5], 330, 660, 0.42],
  brawl: ["sawtooth", [0, 0.1, 0.2, 0.3], 520, 620, 0.07],
};

siaga.sound = {
  context: null,
  on: () => localStorage.getItem("siaga.sound") !== "off",
  ready: () => siaga.sound.context?.state === "running",
  wake: async () => {
    siaga.sound.context ||= new AudioContext();
    if (siaga.sound.context.state !== "running") await siaga.sound.context.resume();
    siaga.sound.show();
  },
  play: (kind, loud) => {
    const audio = siaga.sound.context;
    const [wave, starts, from, to, length] = siaga.tones[kind] || siaga.tones.fire;
    for (const start of starts) {
      const at = audio.currentTime + start;
      const tone = audio.createOscillator();
      const gain = audio.createGain();
      tone.type = wave;
      tone.frequency.setValueAtTime(from, at);
      tone.frequency.linearRampToValueAtTime(to, at + length);
      gain.gain.setValueAtTime(loud ? 0.6 : 0.2, at);
      gain.gain.setValueAtTime(loud ? 0.6 : 0.2, at + length * 0.7);
      gain.gain.linearRampToValueAtTime(0.0001, at + length);
      tone.connect(gain).connect(siaga.sound.way(audio));
      tone.start(at);
      tone.stop(at + length);
    }
  },
  way: (audio) => { // through a meter, so that it can be told that something sounds
    if (!(audio instanceof AudioContext)) return audio.destination;
    if (!siaga.sound.meter) { siaga.sound.meter = audio.createAnalyser(); siaga.sound.meter.connect(audio.destination); }
    return siaga.sound.meter;
  },
  waiting: () => (document.querySelector("[data-sound]")?.dataset.sound || "").split(" ").filter(Boolean)
    .map((word) => word.split(":")),
  round: () => {
    const waiting = siaga.sound.waiting();
    if (!waiting.length || !siaga.sound.on() || !siaga.sound.ready()) return;
    const first = new Map(); // the oldest of each kind says how loud
    for (const [kind, since] of waiting) first.set(kind, Math.min(Number(since), first.get(kind) ?? Infinity));
    let delay = 0;
    for (const [kind, since] of first) {
      const loud = siaga.now() - since > 30000;
      setTimeout(() => siaga.sound.play(kind, loud), delay);
      document.documentElement.dataset.loud = loud;
      delay += 900;
    }
    const root = document.documentElement;
    root.dataset.rung = Number(root.dataset.rung || 0) + 1;
  },
  show: () => {
    const button = document.getElementById("sound");
    const on = siaga.sound.on();
    button.setAttribute("aria-pressed", String(on));
    button.querySelectorAll("[data-when]").forEach((el) => { el.toggleAttribute("hidden", (el.dataset.when === "on") !== on); });
    document.getElementById("mute").hidden = !on || siaga.sound.ready();
  },
};

if (document.getElementById("sound")) {
  siaga.sound.wake().catch(() => siaga.sound.show()); // runs by itself where the browser lets it
  siaga.sound.show();
  document.getElementById("sound").addEventListener("click", () => {
    localStorage.setItem("siaga.sound", siaga.sound.on() ? "off" : "on");
    siaga.sound.wake();
    siaga.sound.show();
    if (siaga.sound.on() && siaga.sound.ready()) siaga.sound.play("smoke", false);
  });
  for (const gesture of ["pointerdown", "keydown"]) addEventListener(gesture, () => siaga.sound.wake(), { passive: true });
  let known = "";
  document.addEventListener("siaga:changed", () => { // a new incident is heard at once, not at the next round
    const now = siaga.sound.waiting().map(([kind, since]) => kind + since).join(" ");
    if (now !== known) { known = now; siaga.sound.round(); }
  });
  setInterval(siaga.sound.round, 4000);
}
