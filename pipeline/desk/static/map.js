"use strict";
// Maps. Leaflet is fetched when the first map comes into view; points come from the page, cameras and outlines as JSON.
{
  const here = document.currentScript.dataset;
  const CELL = 64; // px: marks nearer than this are shown as one, with their number
  const element = (name, values) => Object.assign(document.createElement(name), values);
  const loaded = (el) => new Promise((done, fail) => { el.onload = done; el.onerror = fail; document.head.append(el); });
  let leaflet;
  const load = () => (leaflet ??= Promise.all([
    loaded(element("link", { rel: "stylesheet", href: here.style })), loaded(element("script", { src: here.leaflet })),
  ]));
  const read = async (url) => (url ? (await fetch(url, { credentials: "same-origin" })).json() : null);

  class Chart {
    constructor(box) {
      this.box = box;
      this.marks = new Map();
      this.map = L.map(box, { attributionControl: false, zoomControl: false, zoomSnap: 0.5, maxZoom: 19,
        fadeAnimation: false, zoomAnimation: false, markerZoomAnimation: false, keyboard: true });
      L.control.zoom({ zoomInTitle: box.dataset.in, zoomOutTitle: box.dataset.out }).addTo(this.map);
      L.control.scale({ imperial: false }).addTo(this.map);
      if (box.dataset.tiles) {
        L.control.attribution({ prefix: false }).addTo(this.map);
        const text = element("span", { textContent: box.dataset.attribution }).innerHTML;
        L.tileLayer(box.dataset.tiles, { attribution: text, maxZoom: 19 }).addTo(this.map);
      }
      this.circles = L.layerGroup().addTo(this.map);
      this.map.on("moveend zoomend", () => this.draw());
      this.map.on("popupopen", ({ popup }) => {
        const close = popup.getElement().querySelector(".leaflet-popup-close-button");
        close.setAttribute("aria-label", box.dataset.close);
        if (this.byKey) popup.getElement().querySelector("a:not(.leaflet-popup-close-button), button, input")?.focus();
      });
      this.map.on("popupclose", ({ popup }) => {
        if (popup.getElement()?.contains(document.activeElement)) popup._source?.getElement?.()?.focus();
      });
      new ResizeObserver(() => this.map.invalidateSize({ animate: false })).observe(box);
      box.addEventListener("keydown", ({ key }) => { if (key === "Escape") this.map.closePopup(); });
      if (box.dataset.pick) this.map.on("click", ({ latlng }) => this.pick(latlng));
      document.querySelector(box.dataset.filter || null)?.addEventListener("change", () => this.draw());
    }

    async begin() {
      this.sense();
      const outlines = read(this.box.dataset.outlines).catch(() => null);
      const table = await read(this.box.dataset.cameras).catch(() => null);
      this.words = table;
      const named = (i) => table.categories[i];
      this.cameras = (table?.cameras ?? []).map(([id, name, ward, lat, lng, categories, simulated]) => ({
        key: `cam-${id}`, id, name, ward: table.wards[ward], at: L.latLng(lat, lng), categories: categories.map((i) => named(i)[0]), simulated,
        letter: categories.length ? named(categories[0])[1] : "•", kinds: categories.map((i) => named(i)[2]).join(", ") }));
      const places = [...this.cameras, ...this.points].map((one) => one.at);
      if (places.length) this.frame(L.latLngBounds(places));
      const wards = this.outline(await outlines);
      if (!places.length && wards) this.frame(wards);
      if (!places.length && !wards) this.map.setView([-6.2, 106.82], 11);
      this.box.classList.add("ready");
    }

    frame(bounds) { this.map.fitBounds(bounds.pad(0.05), { maxZoom: 16, animate: false, padding: [16, 16] }); }

    outline(told) {
      if (!told) return null;
      const all = L.featureGroup();
      for (const [, name, rings, lng] of told.wards) {
        const label = { permanent: true, direction: "center", className: "wardname", interactive: false };
        if (typeof rings === "number") { // a centroid: rings is its latitude
          L.circleMarker([rings, lng], { radius: 2, className: "ward", interactive: false }).bindTooltip(name, label).addTo(all);
          continue;
        }
        const lines = rings.map((flat) => {
          let x = 0, y = 0;
          return flat.flatMap((step, i) => (i % 2 ? [[(y += step) / told.grid, x / told.grid]] : (x += step, [])));
        });
        L.polygon(lines, { className: "ward", interactive: false, smoothFactor: 0.5 }).bindTooltip(name, label).addTo(all);
      }
      all.addTo(this.map);
      all.bringToBack();
      return all.getLayers().length ? all.getBounds() : null;
    }

    // What the page says now: points of its lists, and the states of the cameras that are not live.
    sense() {
      const root = this.box.dataset.points ? document.querySelector(this.box.dataset.points) : this.box.parentElement;
      this.points = [...(root?.querySelectorAll("[data-lat]") ?? [])].map((el, i) => ({
        key: el.id || `point-${i}-${el.dataset.lat}-${el.dataset.lng}`, at: L.latLng(+el.dataset.lat, +el.dataset.lng), icon: el.dataset.icon,
        letter: el.dataset.letter, name: el.dataset.title, more: el.dataset.more, href: el.dataset.href, fold: "fold" in el.dataset,
        radius: +(el.dataset.radius || 0), popup: el.querySelector("template"),
      }));
      const told = JSON.parse(root?.querySelector("[data-states]")?.dataset.states || "{}");
      this.states = new Map(Object.entries(told).flatMap(([state, ids]) => ids.map((id) => [id, state])));
    }

    wanted() {
      const form = document.querySelector(this.box.dataset.filter || null);
      const on = (name) => form && new Set([...form.querySelectorAll(`[name=${name}]:checked`)].map((el) => el.value));
      const [state, category, icon] = [on("state"), on("category"), on("icon")];
      const view = this.map.getBounds().pad(0.1);
      const cameras = (this.cameras ?? []).map((one) => ({ ...one, icon: this.states.get(one.id) ?? "live", fold: true }))
        .filter((one) => (!state || state.has(one.icon)) && (!category || (one.categories.length ? one.categories : [""]).some((c) => category.has(c))));
      const points = this.points.filter((one) => !icon || icon.has(one.icon));
      return [...cameras, ...points].filter((one) => view.contains(one.at));
    }

    // Marks that would lie over each other become one, on a grid that stands still while the map is moved.
    folded() {
      const cells = new Map();
      const out = [];
      for (const one of this.wanted()) {
        if (!one.fold) { out.push(one); continue; }
        const { x, y } = this.map.project(one.at).divideBy(CELL).floor();
        const cell = `${x} ${y}`;
        cells.has(cell) ? cells.get(cell).push(one) : cells.set(cell, [one]);
      }
      for (const [cell, group] of cells) {
        if (group.length === 1) { out.push(group[0]); continue; }
        const down = group.filter((one) => one.id && !["live", "connecting", "unknown"].includes(one.icon)).length;
        out.push({ key: `cell-${this.map.getZoom()} ${cell}`, at: L.latLngBounds(group.map((one) => one.at)).getCenter(), group, down });
      }
      return out;
    }

    draw() {
      if (!this.map._loaded) return;
      const wanted = new Map(this.folded().map((one) => [`${one.key} ${one.icon} ${one.group?.length ?? one.name} ${one.down ?? one.more}`, one]));
      for (const [key, mark] of this.marks) if (!wanted.has(key)) { mark.remove(); this.marks.delete(key); }
      for (const [key, one] of wanted) if (!this.marks.has(key)) this.marks.set(key, this.mark(one));
      this.circles.clearLayers();
      for (const one of this.points) {
        if (one.radius) L.circle(one.at, { radius: one.radius, className: `reach ${one.icon}`, interactive: false }).addTo(this.circles);
      }
      this.box.classList.toggle("near", this.map.getZoom() >= 13.5);
    }

    say(one) {
      if (one.group) {
        const text = one.group.every((each) => each.id) ? this.box.dataset.many : this.box.dataset.several;
        return text.replace("#n", one.group.length).replace("#down", one.down);
      }
      return [one.name, one.id ? this.words.states[one.icon] : one.more].filter(Boolean).join(" · ");
    }

    mark(one) {
      const pin = element("span", { className: one.group ? `pin many ${one.down ? "lost" : ""}` : `pin ${one.icon}` });
      const shape = this.box.querySelector(`template[data-shape="${one.icon}"]`);
      if (shape) pin.append(shape.content.cloneNode(true));
      else pin.textContent = one.group ? one.group.length : one.letter || "";
      const sign = one.group ? (one.down ? "×" : "") : one.id && this.words.signs[one.icon];
      if (sign) pin.append(element("i", { textContent: sign }));
      const size = one.group || shape ? 38 : 30;
      const anchor = shape ? [size / 2, size + 14] : [size / 2, size / 2]; // above its camera, which stays in reach
      const icon = L.divIcon({ html: pin, className: "mark", iconSize: [size, size], iconAnchor: anchor, popupAnchor: [0, shape ? -size - 8 : -size / 2] });
      const mark = L.marker(one.at, { icon, keyboard: true, title: this.say(one), zIndexOffset: one.fold || one.group ? 0 : 1000 });
      mark.on("add", () => mark.getElement().setAttribute("aria-label", this.say(one)));
      const act = (byKey) => { this.byKey = byKey; one.group ? this.open(one, mark) : this.tell(one, mark); };
      mark.on("click", () => act(false));
      mark.on("keypress", ({ originalEvent }) => { if (["Enter", " "].includes(originalEvent.key)) { originalEvent.preventDefault(); act(true); } });
      return mark.addTo(this.map);
    }

    open(one, mark) {
      const bounds = L.latLngBounds(one.group.map((each) => each.at));
      if (this.map.getZoom() < 18 && this.map.getBoundsZoom(bounds) > this.map.getZoom()) {
        this.map.fitBounds(bounds, { maxZoom: 18, animate: false, padding: [30, 30] });
        return;
      }
      const list = element("ul", { className: "points" });
      for (const each of one.group.slice(0, 50)) {
        const button = element("button", { type: "button", className: "find", textContent: this.say(each) });
        button.addEventListener("click", () => this.tell(each, mark));
        list.append(element("li", {}));
        list.lastChild.append(button);
      }
      this.show(mark, list);
    }

    show(mark, content) {
      mark.unbindPopup();
      mark.bindPopup(content, { maxWidth: 300, minWidth: 220, autoPanPadding: [12, 12] }).openPopup();
    }

    tell(one, mark) {
      const box = element("div", { className: "told" });
      if (one.popup) { box.append(one.popup.content.cloneNode(true)); this.show(mark, box); return; }
      const line = (name, text) => { if (text) box.append(element(name, { textContent: text })); };
      if (one.id) {
        const picture = element("img", { src: `/kamera/${encodeURIComponent(one.id)}/gambar?t=${Date.now()}`, alt: one.name, width: 320, height: 180 });
        picture.addEventListener("error", () => picture.remove());
        box.append(picture);
      }
      line("b", one.name);
      line("p", one.more);
      if (one.id) {
        line("p", one.ward);
        line("p", this.words.states[one.icon]);
        line("p", one.kinds);
        if (one.simulated) box.append(element("span", { className: "sim", textContent: "SIMULASI" }));
      }
      const href = one.id ? `/kamera#cam-${encodeURIComponent(one.id)}` : one.href;
      if (href) box.append(element("a", { className: "btn go", href, textContent: this.box.dataset.open }));
      this.show(mark, box);
    }

    find(id) {
      const one = this.cameras?.find((camera) => camera.id === id);
      if (!one) return;
      this.map.setView(one.at, 18, { animate: false });
      this.box.scrollIntoView({ block: "nearest" });
      this.byKey = true;
      for (const [key, mark] of this.marks) if (key.startsWith(`${one.key} `)) this.tell({ ...one, icon: this.states.get(id) ?? "live" }, mark);
    }

    pick(at) {
      const form = document.querySelector(this.box.dataset.pick);
      const [lat, lng] = [form.querySelector("[name=lat]"), form.querySelector("[name=lng]")];
      [lat.value, lng.value] = [at.lat.toFixed(6), at.lng.toFixed(6)];
      lat.dispatchEvent(new Event("change", { bubbles: true }));
      this.picked(at);
    }

    picked(at) {
      this.pin?.remove();
      const icon = L.divIcon({ html: element("span", { className: "pin picked", textContent: "+" }), className: "mark", iconSize: [34, 34] });
      this.pin = L.marker(at, { icon, keyboard: false, zIndexOffset: 2000 }).addTo(this.map);
    }
  }

  const charts = new Map();
  const start = async (box) => {
    try { await load(); } catch { leaflet = undefined; return; }
    if (!box.isConnected || charts.has(box)) return;
    const chart = new Chart(box);
    charts.set(box, chart);
    await chart.begin();
    chart.draw();
    const form = document.querySelector(box.dataset.pick || null);
    const typed = () => {
      const at = [form.querySelector("[name=lat]").value, form.querySelector("[name=lng]").value].map((text) => (text.trim() ? Number(text) : NaN));
      if (at.every(Number.isFinite)) { chart.picked(at); chart.map.panInside(at, { padding: [40, 40] }); }
    };
    form?.addEventListener("change", ({ target }) => { if (["lat", "lng"].includes(target.name)) typed(); });
    if (form) typed();
  };
  const watch = new IntersectionObserver((entries) => entries.forEach(({ target, isIntersecting }) => {
    if (isIntersecting) { watch.unobserve(target); start(target); }
  }), { rootMargin: "200px" });
  const find = () => {
    for (const [box, chart] of charts) if (!box.isConnected) { chart.map.remove(); charts.delete(box); }
    document.querySelectorAll("[data-map]").forEach((box) => {
      const chart = charts.get(box);
      if (chart) { chart.sense(); chart.draw(); } else watch.observe(box);
    });
  };
  document.addEventListener("siaga:changed", find);
  document.addEventListener("click", ({ target }) => {
    const id = target.closest?.("[data-find]")?.dataset.find;
    if (id) charts.forEach((chart) => chart.find(id));
  });
  find();
}
