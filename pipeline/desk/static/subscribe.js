"use strict";
// The switch of this browser: asks for permission only when it is pressed.
(() => {
  const form = document.getElementById("push");
  if (!form || !form.dataset.key) return;
  const say = (what) => form.querySelectorAll("[data-say]").forEach((line) => { line.hidden = line.dataset.say !== what; });
  const offer = (what) => form.querySelectorAll("[data-do]").forEach((button) => { button.hidden = button.dataset.do !== what; });
  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (letter) => letter.charCodeAt(0));
  if (!("serviceWorker" in navigator) || !("PushManager" in window)) { say("unsupported"); return; }

  const send = async (method, fields) => {
    const body = new URLSearchParams({ csrf: form.elements.csrf.value, ...fields });
    const answer = await fetch("/langganan", { method, body, headers: { "x-siaga": "part" } });
    if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
  };
  const registration = () => navigator.serviceWorker.register(form.dataset.worker);
  const show = (on) => { say(on ? "on" : "off"); offer(on ? "unsubscribe" : "subscribe"); };

  const subscribe = async () => {
    if (await Notification.requestPermission() !== "granted") { say("denied"); return; }
    const worker = await registration();
    const made = await worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytes(form.dataset.key) });
    const { endpoint, keys } = made.toJSON();
    try { await send("POST", { address: endpoint, ...keys }); } catch (error) { await made.unsubscribe(); throw error; }
    show(true);
  };
  const unsubscribe = async () => {
    const made = await (await registration()).pushManager.getSubscription();
    if (made) { await send("DELETE", { address: made.endpoint }); await made.unsubscribe(); }
    show(false);
  };

  form.addEventListener("click", async (event) => {
    const act = { subscribe, unsubscribe }[event.target.dataset?.do];
    if (!act) return;
    try { await act(); } catch { say("failed"); }
  });
  registration().then((worker) => worker.pushManager.getSubscription()).then((made) => show(Boolean(made))).catch(() => say("failed"));
})();
