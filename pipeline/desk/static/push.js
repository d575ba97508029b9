"use strict";
// The service worker: shows a notice, also while no page of Siaga is open; a later one of the same incident replaces it.
self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("push", (event) => {
  let notice = {};
  try { notice = event.data.json(); } catch { /* not ours, or empty: a browser still demands that something is shown */ }
  event.waitUntil(self.registration.showNotification(notice.title || "Siaga: ada kejadian", {
    body: notice.body || "Buka Siaga untuk melihatnya.",
    tag: notice.tag || "siaga",
    renotify: Boolean(notice.tag) && !notice.quiet,
    silent: Boolean(notice.quiet),
    requireInteraction: !notice.quiet,
    icon: "/static/icon.svg",
    lang: "id",
    data: { url: notice.url || "/" },
  }));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const url = new URL(event.notification.data.url, self.location.origin);
  if (url.origin !== self.location.origin) return;
  event.waitUntil((async () => {
    const open = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
    const shown = open.find((client) => new URL(client.url).pathname === url.pathname);
    await (shown ? shown.focus() : self.clients.openWindow(url.href));
  })());
});
