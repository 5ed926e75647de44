"use strict";
// MLflow's own settings in this browser, without which its pages open on traces and with the Assistant in front.
const settings = { "mlflow.workflowType_v1": "machine_learning", "mlflow.assistant.fab.autoOpenedOnFirstLoad_v1": true };
const prepare = event => {
  if (!event.target.closest("a[data-mlflow]")) return;
  try {
    for (const [key, value] of Object.entries(settings)) localStorage.setItem(key, JSON.stringify(value));
  } catch { /* A browser without storage opens the page all the same. */ }
};
document.addEventListener("click", prepare);
document.addEventListener("auxclick", prepare);

const units = [["day", 86400], ["hour", 3600], ["minute", 60]];
const words = new Intl.RelativeTimeFormat("en");
const tell = root => root.querySelectorAll("time").forEach(one => {
  const seconds = Number(one.dateTime), ago = Date.now() / 1000 - seconds;
  const unit = units.find(([, length]) => ago >= length);
  one.title = new Date(seconds * 1000).toLocaleString();
  if (ago < 7 * 86400) one.textContent = unit ? words.format(-Math.floor(ago / unit[1]), unit[0]) : "just now";
});

const main = document.querySelector("main"), lost = document.getElementById("lost");
let shown = main.innerHTML;
tell(document);

const refresh = async () => {
  try {
    const response = await fetch(location.href, { cache: "no-store", redirect: "error" });
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const next = page.querySelector("main");
    if (!response.ok || !next) throw new Error(response.status);
    lost.hidden = true;
    document.title = page.title;
    if (next.innerHTML !== shown) {
      const focus = document.activeElement?.getAttribute?.("href");
      shown = next.innerHTML;
      main.replaceChildren(...next.childNodes);
      if (focus) [...main.querySelectorAll("a")].find(one => one.getAttribute("href") === focus)?.focus();
    }
    tell(main);
  } catch {
    lost.hidden = false;
  }
};

const live = Number(document.documentElement.dataset.live);
if (live) {
  let waiting;
  const loop = async () => {
    clearTimeout(waiting);
    if (document.hidden) return;
    await refresh();
    clearTimeout(waiting);
    waiting = setTimeout(loop, live * 1000);
  };
  document.addEventListener("visibilitychange", loop);
  waiting = setTimeout(loop, live * 1000);
}
