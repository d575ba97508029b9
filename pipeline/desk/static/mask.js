"use strict";
// Drawing polygons over a still, by pointer and by keyboard. What is kept is the text field: [[[x, y], ...], ...] in 0..1.
siaga.mask = (() => {
  const svg = document.querySelector("#canvas svg");
  const field = document.getElementById("masks");
  const said = document.getElementById("said");
  const list = document.getElementById("list");
  const cross = document.getElementById("cross");
  const ns = "http://www.w3.org/2000/svg";
  const round = (value) => Math.round(Math.min(1, Math.max(0, value)) * 1000) / 1000;
  let shapes = [];
  let open = [];
  let at = [0.5, 0.5];

  const read = () => { try { shapes = JSON.parse(field.value || "[]"); } catch { shapes = []; } };
  const say = (name, n = "") => { said.textContent = said.dataset[name].replace("{n}", n); };
  const points = (shape) => shape.map(([x, y]) => `${x * 1000},${y * 1000}`).join(" ");

  const draw = () => {
    const box = document.getElementById("shapes");
    box.replaceChildren(...shapes.map((shape, n) => {
      const polygon = document.createElementNS(ns, "polygon");
      polygon.setAttribute("points", points(shape));
      polygon.dataset.n = n;
      return polygon;
    }));
    document.getElementById("drawing").setAttribute("points", points(open));
    cross.setAttribute("transform", `translate(${at[0] * 1000} ${at[1] * 1000})`);
    list.replaceChildren(...shapes.map((_, n) => {
      const item = document.createElement("li");
      const name = document.createElement("span");
      const remove = document.createElement("button");
      name.textContent = list.dataset.name.replace("{n}", n + 1);
      remove.type = "button";
      remove.className = "btn";
      remove.textContent = list.dataset.remove.replace("{n}", n + 1);
      remove.addEventListener("click", () => { shapes.splice(n, 1); keep(); say("removed"); svg.focus(); });
      remove.addEventListener("focus", () => box.children[n].classList.add("chosen"));
      remove.addEventListener("blur", () => box.children[n]?.classList.remove("chosen"));
      item.append(name, remove);
      return item;
    }));
  };
  const keep = () => { field.value = JSON.stringify(shapes); draw(); };

  const put = (x, y) => { open.push([round(x), round(y)]); say("point", open.length); draw(); };
  const back = () => { open.pop(); draw(); };
  const close = () => {
    if (!open.length) return true;
    if (open.length < 3) { say("few"); return false; }
    shapes.push(open);
    open = [];
    keep();
    say("closed");
    return true;
  };

  svg.addEventListener("pointerdown", (event) => {
    const box = svg.getBoundingClientRect();
    at = [round((event.clientX - box.left) / box.width), round((event.clientY - box.top) / box.height)];
    put(...at);
  });
  svg.addEventListener("focus", () => { cross.removeAttribute("hidden"); });
  svg.addEventListener("blur", () => { cross.setAttribute("hidden", ""); });
  const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  svg.addEventListener("keydown", (event) => {
    const step = steps[event.key];
    if (step) at = at.map((value, n) => round(value + step[n] * (event.shiftKey ? 0.05 : 0.01)));
    else if (event.key === " ") put(...at);
    else if (event.key === "Enter") close();
    else if (event.key === "Backspace") back();
    else return;
    event.preventDefault();
    draw();
  });
  document.getElementById("close").addEventListener("click", close);
  document.getElementById("back").addEventListener("click", back);
  field.addEventListener("input", () => { read(); draw(); });
  field.form.addEventListener("submit", (event) => { if (!close()) event.preventDefault(); });
  read();
  draw();
})();
