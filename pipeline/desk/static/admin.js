"use strict";
// Testing a camera without losing what was typed: the form is sent aside, and the answer is asked for until it is there.
siaga.part = async (url, options = {}) => {
  const answer = await fetch(url, { ...options, headers: { "X-Siaga": "part" }, credentials: "same-origin" });
  if (answer.status === 401) location.assign("/masuk");
  return answer.text();
};

siaga.showTest = async (html, onto) => {
  const box = document.getElementById("test");
  box.replaceChildren(...new DOMParser().parseFromString(html, "text/html").body.childNodes);
  const state = box.querySelector("[data-number]");
  if (state?.dataset.again) {
    setTimeout(async () => siaga.showTest(await siaga.part(state.dataset.again), onto), 1000);
    return;
  }
  document.querySelectorAll("[data-test]").forEach((el) => { el.disabled = false; });
  const canvas = onto && document.getElementById(onto);
  if (!canvas || !state?.dataset.picture) return;
  const picture = box.querySelector("img");
  canvas.querySelector("img, .blank").replaceWith(picture);
};

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-test]");
  if (!button) return;
  event.preventDefault();
  button.disabled = true;
  const body = new URLSearchParams(new FormData(button.form));
  try {
    await siaga.showTest(await siaga.part("/admin/uji", { method: "POST", body }), button.dataset.onto);
  } catch {
    button.disabled = false;
    button.form.requestSubmit(button); // the line is gone: let the browser say so
  }
});
