// What all charts share: colours from the page, the time axis, the tooltip, hatches.

import { interval } from "report/format";

export const SMALL = 12;
const TICK = 44;

/** The colours of the page as it stands now. */
export function palette() {
  const style = getComputedStyle(document.documentElement);
  const of = (name) => style.getPropertyValue(`--${name}`).trim();
  const names = ["ink", "second", "third", "hairline", "strong", "surface", "raised", "grid", "alarm"];
  const found = Object.fromEntries(names.map((name) => [name, of(name)]));
  found.carrier = (name) => of(name) || of("unknown");
  return found;
}

/** A colour with an opacity. @param {string} hex @param {number} opacity */
export function tint(hex, opacity) {
  const [r, g, b] = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
  return `rgba(${r},${g},${b},${opacity})`;
}

/** Lines at 45 degrees on a ground: a store's own pattern, or what has no reading. */
export function hatch(colour, ground, gap = 6, width = 1.4) {
  const line = `M-1 1L1 -1M0 ${gap}L${gap} 0M${gap - 1} ${gap + 1}L${gap + 1} ${gap - 1}`;
  return {
    type: "pattern",
    svgWidth: gap,
    svgHeight: gap,
    svgElement: {
      tag: "g", attrs: {}, key: "hatch",
      children: [
        { tag: "rect", key: "ground", attrs: { width: gap, height: gap, fill: ground }, children: [] },
        { tag: "path", key: "lines", attrs: { d: line, stroke: colour, "stroke-width": width, fill: "none" }, children: [] },
      ],
    },
  };
}

/** The same hatch for a key beside a chart. */
export function hatchCss(colour) {
  return `repeating-linear-gradient(135deg, ${colour} 0 1.4px, transparent 1.4px 4.2px)`;
}

/** The time axis of lane `index`, `width` px wide. `shown`: whether it carries labels. */
export function timeAxis(page, shown, index, width) {
  const { colours, charts, lang } = page;
  const every = Math.ceil((charts.ticks.length * TICK) / width) || 1;
  const labels = new Map(charts.ticks.filter((_, nth) => nth % every === 0).map((tick) => [tick.at, tick]));
  const at = [...labels.keys()];
  return {
    type: "value", gridIndex: index, min: 0, max: charts.hours.at(-1),
    axisLine: { show: shown, lineStyle: { color: colours.strong }, onZero: false },
    axisTick: { show: shown, customValues: at, length: 4, lineStyle: { color: colours.strong } },
    splitLine: { show: false },
    axisLabel: {
      show: shown, customValues: at, color: colours.third, fontSize: SMALL, margin: 7,
      formatter: (value) => {
        const tick = labels.get(value);
        return tick ? (tick.bold ? `{b|${tick[lang]}}` : tick[lang]) : "";
      },
      rich: { b: { fontWeight: 600, color: colours.second, fontSize: SMALL } },
    },
    axisPointer: { show: true, label: { show: false }, lineStyle: { color: colours.second, width: 1, type: "solid" } },
  };
}

/** A value axis with few, quiet lines. */
export function valueAxis(page, { min = 0, max, step, index = 0, write, right = false, lines = true }) {
  const { colours } = page;
  return {
    type: "value", gridIndex: index, min, max, interval: step, position: right ? "right" : "left",
    axisLine: { show: false }, axisTick: { show: false },
    splitLine: { show: lines, lineStyle: { color: colours.hairline, width: 1 } },
    axisLabel: { color: colours.third, fontSize: SMALL, formatter: write, showMinLabel: true, showMaxLabel: true },
    axisPointer: { show: false },
  };
}

/** Points of a step line: one per start, the last value held to the end. */
export function steps(hours, values) {
  const points = values.map((value, index) => [hours[index], value]);
  points.push([hours.at(-1), values.at(-1)]);
  return points;
}

/** Points of a state: its value stands at the end of each step. */
export function states(hours, values) {
  return values.map((value, index) => [hours[index + 1], value]);
}

/** Which step an hour falls into. */
export function stepAt(hours, hour) {
  let [low, high] = [0, hours.length - 2];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (hours[middle] <= hour + 1e-9) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** A tooltip over all lanes of a chart. `rows(index)` gives [name, value] pairs; `note(index)` a sentence. */
export function tooltip(page, rows, note) {
  const { colours, charts, lang } = page;
  return {
    trigger: "axis", confine: true, transitionDuration: 0, backgroundColor: colours.surface,
    borderColor: colours.strong, borderWidth: 1, padding: [8, 10], extraCssText: "box-shadow:0 6px 24px rgba(0,0,0,.14);border-radius:6px",
    formatter: (given) => {
      const hour = (Array.isArray(given) ? given[0] : given).axisValue;
      const index = stepAt(charts.hours, Number(hour));
      return tip(interval(charts.clock, index, lang), rows(index), note ? note(index) : []);
    },
  };
}

/** The tooltip as elements, so that a name is never read as markup. */
function tip(head, rows, notes) {
  const box = element("div", "tip");
  box.append(element("b", "", head));
  for (const [name, value] of rows) {
    const row = element("div", "");
    row.append(element("span", "", name), element("span", "", value));
    box.append(row);
  }
  for (const sentence of notes) box.append(element("p", "", sentence));
  return box;
}

/** An element with a class and a text. */
export function element(tag, style, text) {
  const made = document.createElement(tag);
  if (style) made.className = style;
  if (text !== undefined) made.textContent = text;
  return made;
}

/** Stretches without reading, as [from, to] in hours. */
export function gaps(hours, values) {
  const found = [];
  values.forEach((value, index) => {
    if (value !== null) return;
    const last = found.at(-1);
    if (last && last[1] === hours[index]) last[1] = hours[index + 1];
    else found.push([hours[index], hours[index + 1]]);
  });
  return found;
}

/** A series that hatches stretches without reading over the whole height of a lane. */
export function absent(page, stretches, index = 0) {
  const { colours, words, lang } = page;
  return {
    type: "custom", xAxisIndex: index, yAxisIndex: index, silent: true, z: 5, tooltip: { show: false },
    data: stretches,
    renderItem: (params, api) => {
      const lane = params.coordSys;
      const [from, to] = [0, 1].map((at) => api.coord([api.value(at), 0])[0]);
      const children = [{
        type: "rect", shape: { x: from, y: lane.y, width: to - from, height: lane.height },
        style: { fill: hatch(colours.strong, colours.raised) },
      }];
      if (to - from > 64) children.push(chip(page, words.no_reading[lang], (from + to) / 2, lane.y + lane.height / 2));
      return { type: "group", children };
    },
  };
}

/** A text on its own ground. */
export function chip(page, text, x, y) {
  const { colours, font } = page;
  return {
    type: "text",
    style: {
      text, x, y, align: "center", verticalAlign: "middle", fill: colours.ink, fontSize: SMALL, fontFamily: font,
      backgroundColor: colours.surface, padding: [2, 5], borderRadius: 3,
    },
  };
}
