"use strict";
// The service worker: shows a notice, also while no page of Siaga is open; a later one of the same incident replaces it.
self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

// What became of the notice goes back to the desk; the token that it carried says that we were told.
const report = async (notice, receipt) => {
  if (!notice.token) return;
  const { browser, key, token } = notice;
  const body = JSON.stringify({ browser, key, token, receipt });
  try { await fetch("/kwitansi/push", { method: "POST", headers: { "content-type": "application/json" }, body }); } catch { /* no line: the receipt is lost, the notice is not */ }
};

self.addEventListener("push", (event) => {
  let notice = {};
  try { notice = event.data.json(); } catch { /* not ours, or empty: a browser still demands that something is shown */ }
  const shown = self.registration.showNotification(notice.title || "Siaga: ada kejadian", {
    body: notice.body || "Buka Siaga untuk melihatnya.",
    tag: notice.tag || "siaga",
    renotify: Boolean(notice.tag) && !notice.quiet,
    silent: Boolean(notice.quiet),
    requireInteraction: !notice.quiet,
    icon: "/static/icon.svg",
    lang: "id",
    data: { url: notice.url || "/", browser: notice.browser, key: notice.key, token: notice.token },
  });
  event.waitUntil(shown.then(() => report(notice, "delivered")));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(report(event.notification.data, "seen"));
  const url = new URL(event.notification.data.url, self.location.origin);
  if (url.origin !== self.location.origin) return;
  event.waitUntil((async () => {
    const open = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
    const shown = open.find((client) => new URL(client.url).pathname === url.pathname);
    await (shown ? shown.focus() : self.clients.openWindow(url.href));
  })());
});
