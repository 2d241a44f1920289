// The control room's own behaviour: it hears the park, says when it does not, and listens to keys.

import { draw } from "./lanes.js";

const root = document.documentElement;
const SILENCE_MS = 3000;
let heard = Date.now();
let frame = document.body.dataset.frame;
let lost = null;
let due = false;
const marks = {};

/** One event stream for all tabs where the browser can share a worker; else one of its own. */
function listen(take) {
  const address = document.body.dataset.worker;
  if ("SharedWorker" in window) {
    const worker = new SharedWorker(address, { name: "zeropark" });
    worker.port.onmessage = (said) => take(said.data);
    worker.port.start();
    window.addEventListener("pagehide", () => worker.port.postMessage("bye"));
    return;
  }
  new EventSource("/live").onmessage = (event) => take(event.data);
}

function take(text) {
  const said = JSON.parse(text);
  heard = Date.now();
  document.getElementById("silent").hidden = said.operate;
  root.dataset.link = said.stale ? "stale" : "there";
  for (const place of document.querySelectorAll("[data-clock]")) place.textContent = said.clock;
  for (const place of document.querySelectorAll("[data-age]")) place.textContent = said.age;
  // What somebody is writing is not taken away; the page is asked for again once it was sent.
  const writing = document.querySelector("form[data-command][data-dirty]");
  if (!writing && (due || lost !== null || said.frame !== frame)) document.body.dispatchEvent(new CustomEvent("frame"));
  due = Boolean(writing) && (due || lost !== null || said.frame !== frame);
  if (lost !== null) { lost = null; document.getElementById("lost").hidden = true; }
  frame = said.frame;
  // A page that keeps work of its own is asked for again when there is news of it.
  for (const [name, mark] of Object.entries(said.marks)) {
    if (name in marks && marks[name] !== mark) document.body.dispatchEvent(new CustomEvent(name));
    marks[name] = mark;
  }
}

/** Silence is a state: numbers keep their place and are hatched, and a bar says since when. */
function watch() {
  if (Date.now() - heard < SILENCE_MS) return;
  root.dataset.link = "lost";
  if (lost === null) {
    lost = new Date(heard);
    const bar = document.getElementById("lost");
    bar.querySelector("[data-since]").textContent = lost.toTimeString().slice(0, 8);
    bar.hidden = false;
  }
}

/** `g` and a letter change the page, as each entry of the menu says. */
let going = 0;
function key(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select")) return;
  if (event.key === "g") { going = Date.now(); return; }
  if (Date.now() - going < 1500) {
    const entry = document.querySelector(`nav a[data-key="${CSS.escape(event.key)}"]`);
    if (entry) entry.click();
    going = 0;
  }
  if (event.key === "Escape") document.querySelector("[data-leave]")?.click();
}

let waiting = 0;
function again() {
  cancelAnimationFrame(waiting);
  waiting = requestAnimationFrame(draw);
}

// On a narrow screen the menu scrolls: where we are is seen.
document.querySelector("nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
if (document.body.dataset.frame !== undefined) {
  listen(take);
  setInterval(watch, 500);
}
document.addEventListener("keydown", key);
document.addEventListener("change", (event) => event.target.closest("[data-at-once]")?.requestSubmit());
document.addEventListener("input", (event) => {
  const shown = event.target.dataset?.shows && document.getElementById(event.target.dataset.shows);
  if (shown) shown.textContent = `${Math.round(Number(event.target.value) * 100)} %`;
});
document.addEventListener("toggle", again, true);
document.addEventListener("click", (event) => { if (event.target.closest("[data-print]")) window.print(); });
document.addEventListener("htmx:after:swap", again);
window.addEventListener("resize", again);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
document.fonts.ready.then(again);
