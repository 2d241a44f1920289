// The page: language, light and dark, charts and their tables, paper.

import { interval } from "report/format";
import { cooling, jobs } from "report/halves";
import { lanes } from "report/lanes";
import { map } from "report/map";
import { element, palette } from "report/paint";
import { supply } from "report/supply";

const MAKERS = { supply, cooling, jobs, lanes, map };
const PAPER_PX = 950;
const PAPER_GAP = 48;

/** @typedef {{charts: any, words: any, lang: string, colours: any, font: string}} Page */

const root = document.documentElement;
const given = JSON.parse(document.getElementById("report-data").textContent);
/** @type {Page} */
const page = { charts: given.charts, words: given.words, lang: "en", colours: palette(), font: getComputedStyle(document.body).fontFamily };
/** @type {Map<string, any>} */
const drawn = new Map();
let paper = false;
let library = null;

/** Draw everything and listen. `echarts`: the chart library. */
export function open(echarts) {
  library = echarts;
  for (const group of document.querySelectorAll("[data-control=lang] button, [data-control=theme] button")) {
    group.addEventListener("click", () => choose(group.closest("[data-control]").dataset.control, group.dataset.value));
  }
  document.querySelector("[data-control=print]").addEventListener("click", () => window.print());
  for (const button of document.querySelectorAll("[data-toggle]")) button.addEventListener("click", () => toggle(button));
  choose("lang", wanted("lang", ["zh", "en"]) ?? (navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en"), false);
  choose("theme", wanted("theme", ["light", "dark"]) ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light"), false);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", (event) => choose("theme", event.matches ? "dark" : "light"));
  let waiting = 0;
  let width = window.innerWidth;
  window.addEventListener("resize", () => {
    if (window.innerWidth === width || paper) return;
    width = window.innerWidth;
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(draw);
  });
  window.addEventListener("beforeprint", () => onPaper(true));
  window.addEventListener("afterprint", () => onPaper(false));
  document.fonts.ready.then(draw);
}

/** What the address asks for: `?lang=zh`, `#lang=zh` or `#zh`. */
function wanted(name, allowed) {
  const hash = location.hash.slice(1);
  const said = new URLSearchParams(location.search).get(name) ?? new URLSearchParams(hash).get(name) ?? hash;
  return allowed.includes(said) ? said : null;
}

function choose(name, value, redraw = true) {
  root.dataset[name] = value;
  if (name === "lang") {
    root.lang = value;
    page.lang = value;
    document.title = `${document.querySelector(`.park [lang=${value}], .park`).textContent} · ${page.words.title[value]}`;
  }
  for (const button of document.querySelectorAll(`[data-control=${name}] button`)) {
    button.setAttribute("aria-pressed", String(button.dataset.value === value));
  }
  if (redraw) draw();
}

function draw() {
  page.colours = palette();
  for (const place of document.querySelectorAll("[data-chart]")) chart(place);
  for (const table of document.querySelectorAll("[data-table]:not([hidden])")) fill(table);
}

function sizeOf(place) {
  const full = PAPER_PX;
  const half = (PAPER_PX - PAPER_GAP) / 2;
  const width = paper ? (place.closest(".halves") ? half : full) : place.clientWidth;
  return { width, height: parseFloat(place.style.height) };
}

function chart(place) {
  const name = place.dataset.chart;
  const [kind, nth] = name.split("-");
  if (place.hidden && !paper) return;
  const size = sizeOf(place);
  const made = MAKERS[kind](page, Number(nth ?? 0), size);
  const height = made.height ?? size.height;
  place.style.height = `${height}px`;
  const instance = drawn.get(name)?.instance ?? library.init(place, null, { renderer: made.renderer ?? "svg", width: size.width, height });
  instance.resize({ width: size.width, height });
  instance.setOption({ textStyle: { fontFamily: page.font }, ...made.option }, { notMerge: true });
  place.setAttribute("role", "img");
  place.setAttribute("aria-label", place.closest("section").querySelector("h2").innerText);
  drawn.set(name, { instance, made });
  keys(document.querySelector(`[data-keys="${name}"]`), made.keys);
}

/** Small signs with words under a chart. */
function keys(place, entries) {
  place.replaceChildren(...entries.map(([colour, text, ink]) => {
    const key = element("span", "");
    const sign = element("i", "");
    if (colour === "line") sign.style.cssText = `height:0;border-top:2px solid ${ink ?? "var(--ink)"};vertical-align:3px`;
    else if (colour === "dots") sign.style.cssText = `height:0;border-top:2px dotted ${ink ?? "var(--second)"};vertical-align:3px`;
    else sign.style.background = colour;
    key.append(sign, text);
    return key;
  }));
}

function toggle(button) {
  const name = button.dataset.toggle;
  const table = document.querySelector(`[data-table="${name}"]`);
  const asTable = table.hidden;
  table.hidden = !asTable;
  document.getElementById(name).hidden = asTable;
  button.setAttribute("aria-pressed", String(asTable));
  for (const words of button.querySelectorAll("[data-when]")) words.hidden = (words.dataset.when === "table") !== asTable;
  if (asTable) fill(table);
  else chart(document.getElementById(name));
}

/** The numbers of a chart, one row per step. */
function fill(place) {
  const name = place.dataset.table;
  const [kind, nth] = name.split("-");
  const { heads, cells } = MAKERS[kind](page, Number(nth ?? 0), { width: 900, height: 260 }).table;
  const table = element("table", "");
  const head = element("tr", "");
  head.append(...[page.words.time[page.lang], ...heads].map((text) => element("th", "", text)));
  const top = element("thead", "");
  top.append(head);
  const body = element("tbody", "");
  page.charts.clock.slice(0, -1).forEach((_, index) => {
    const row = element("tr", "");
    row.append(element("td", "", interval(page.charts.clock, index, page.lang)));
    for (const value of cells(index)) {
      const cell = element("td", "");
      cell.append(value === null ? element("span", "absent", page.words.no_reading[page.lang]) : value);
      row.append(cell);
    }
    body.append(row);
  });
  table.append(top, body);
  place.replaceChildren(table);
}

/** Paper is light and has its own width; the screen comes back as it was. */
function onPaper(begins) {
  if (paper === begins) return;
  paper = begins;
  for (const part of document.querySelectorAll("details")) {
    if (begins && !part.open) part.dataset.closed = "";
    else if (!begins && "closed" in part.dataset) delete part.dataset.closed;
    else continue;
    part.open = begins;
  }
  if (begins) {
    root.dataset.before = root.dataset.theme;
    root.dataset.theme = "light";
  } else {
    root.dataset.theme = root.dataset.before;
    delete root.dataset.before;
  }
  draw();
}
