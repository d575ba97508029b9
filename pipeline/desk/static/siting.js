"use strict";
// The planner's pages: a job's page looks again until it is over; wishes for "what if" are gathered from map and list.
{
  const job = document.querySelector("[data-job]");
  const look = async () => {
    try {
      const answer = await fetch(job.dataset.job, { credentials: "same-origin", headers: { accept: "text/html" } });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.getElementById("job");
      if (!fresh) { location.assign(answer.url); return; }
      if (fresh.textContent !== job.textContent) job.replaceChildren(...fresh.childNodes);
      if (!fresh.dataset.job) return;
    } catch { /* the next look may succeed */ }
    setTimeout(look, 700);
  };
  if (job?.dataset.job) setTimeout(look, 500);

  const wishes = document.getElementById("wishes");
  const drop = (site) => wishes.querySelectorAll("[data-wish]").forEach((el) => { if (el.dataset.site === site) el.remove(); });
  document.addEventListener("click", ({ target }) => {
    const button = target.closest?.("[data-toggle]");
    if (button && wishes) {
      const { toggle, site } = button.dataset;
      const same = [...wishes.querySelectorAll(`[data-wish=${toggle}]`)].some((el) => el.dataset.site === site);
      drop(site);
      if (same) return;
      const line = document.createElement("li");
      Object.assign(line.dataset, { wish: toggle, site });
      const field = Object.assign(document.createElement("input"), { type: "hidden", name: toggle, value: site });
      const gone = Object.assign(document.createElement("button"), { type: "button", textContent: `×` });
      gone.dataset.unwish = "";
      gone.setAttribute("aria-label", `${wishes.dataset.remove} ${site}`);
      line.append(`${toggle === "force_in" ? wishes.dataset.in : wishes.dataset.out}: ${site}`, field, gone);
      wishes.append(line);
    }
    target.closest?.("[data-unwish]")?.closest("li").remove();
  });
}
