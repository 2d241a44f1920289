// Lanes under one time axis, made of what the server says: past solid, plan dashed, one now line.

import { axisEnd, interval, largest, number, onAxis, places } from "./report-format.js";
import {
  SMALL, absent, element, gaps, hatch, palette, states, stepAt, steps, timeAxis, tint, tooltip, valueAxis,
} from "./report-paint.js";

const TINTS = [0.62, 0.34, 0.48, 0.22, 0.55, 0.28];
const DASH = { plan: [5, 3], trial: "solid", limit: [1, 3], measured: "solid", set: "solid", rules: [1.4, 3] };
const ROW = 24;
const GAP = 34;
const AXIS = 26;
const drawn = new Map();

/** The part of values on one side of now; the other side is absent. */
function side(values, now, past) {
  return values.map((value, at) => ((at < now) === past ? value : null));
}

function fill(page, each, nth, past) {
  const { colours } = page;
  const own = each.manner === "grid" ? colours.grid : colours.carrier(each.carrier);
  const share = past ? 1 : 0.42;
  if (each.manner === "store") return [hatch(tint(own, past ? 1 : 0.6), tint(own, 0.14 * share)), own];
  return [tint(own, (each.manner === "grid" ? 0.48 : TINTS[nth % TINTS.length]) * share), own];
}

/** Areas of a stack: one series for the past and one for the plan of each asset. */
function stack(page, lane, at) {
  const { hours, now } = page.charts;
  const nth = { up: 0, down: 0 };
  return lane.stack.flatMap((each) => {
    const where = each.below ? "down" : "up";
    const order = each.manner === "clean" ? nth[where]++ : 0;
    const sign = each.below ? -1 : 1;
    return [true, false].map((past) => {
      const [area, edge] = fill(page, each, order, past);
      const values = side(each.values, now, past).map((value) => (value === null ? null : sign * value));
      return {
        type: "line", name: each.label, stack: `${where}${at}${past}`, xAxisIndex: at, yAxisIndex: at, step: "end", symbol: "none",
        silent: true, data: steps(hours, values), emphasis: { disabled: true },
        lineStyle: { width: 0.8, color: edge, opacity: 0.55, type: past ? "solid" : [5, 3] }, areaStyle: { color: area, opacity: 1 },
      };
    });
  });
}

function lineOf(page, lane, at) {
  const { hours, now } = page.charts;
  const points = lane.states ? states : steps;
  return lane.lines.flatMap((each) => {
    const colour = each.manner === "trial" ? page.trial : each.carrier ? page.colours.carrier(each.carrier)
      : each.manner === "limit" || each.manner === "rules" ? page.colours.second : page.colours.ink;
    const style = (type, width) => ({ color: colour, type, width });
    const one = (values, type, width) => ({
      type: "line", name: each.label, xAxisIndex: at, yAxisIndex: at, step: lane.states ? false : "end", symbol: "none", silent: true,
      data: points(hours, values), lineStyle: style(type, width), emphasis: { disabled: true }, z: each.manner === "trial" ? 6 : 4,
    });
    if (each.manner !== "measured") return [one(each.values, DASH[each.manner], each.manner === "limit" ? 1.2 : 1.6)];
    return [one(side(each.values, now, true), "solid", 1.8), one(side(each.values, now, false), [5, 3], 1.5)];
  });
}

/** The band between two curves, as a polygon of steps. */
function band(page, lane, at) {
  const { hours } = page.charts;
  const there = lane.band.low.map((value, index) => (value === null ? -1 : index)).filter((index) => index >= 0);
  if (!there.length) return [];
  return [{
    type: "custom", xAxisIndex: at, yAxisIndex: at, silent: true, z: 3, data: [[there[0], there.at(-1)]], tooltip: { show: false }, clip: true,
    renderItem: (params, api) => {
      const corner = (index, value, end) => api.coord([hours[index + (end ? 1 : 0)], value]);
      const top = there.flatMap((index) => [corner(index, lane.band.high[index], false), corner(index, lane.band.high[index], true)]);
      const low = there.flatMap((index) => [corner(index, lane.band.low[index], false), corner(index, lane.band.low[index], true)]);
      return { type: "polygon", shape: { points: [...top, ...low.reverse()] }, style: { fill: tint(page.colours.ink, page.dark ? 0.16 : 0.07), stroke: tint(page.colours.ink, 0.4), lineWidth: 0.8 } };
    },
  }];
}

function spells(page, lane, at) {
  const data = lane.rows.flatMap((row, nth) => row.spells.map(([from, to], which) => [from, to, nth, which]));
  return [{
    type: "custom", xAxisIndex: at, yAxisIndex: at, silent: true, clip: true, data, encode: { x: [0, 1], y: 2 },
    renderItem: (params, api) => {
      const [nth, which] = [api.value(2), api.value(3)];
      const [x, y] = api.coord([api.value(0), nth]);
      const width = api.coord([api.value(1), nth])[0] - x;
      const box = { x, y: y - ROW / 2 + 3, width: Math.max(1, width - 1), height: ROW - 6 };
      const { colours } = page;
      const edge = lane.rows[nth].carrier ? colours.carrier(lane.rows[nth].carrier) : colours.second;
      const children = [
        { type: "rect", shape: { ...box, r: 3 }, style: { fill: colours.raised, stroke: colours.strong, lineWidth: 1 } },
        { type: "rect", shape: { ...box, width: Math.min(3, box.width) }, style: { fill: edge } },
      ];
      if (width > 44) children.push({
        type: "text", style: {
          text: lane.rows[nth].spells[which][2], x: x + 8, y, verticalAlign: "middle", fill: colours.ink, fontSize: SMALL, fontFamily: page.font,
          width: width - 14, overflow: "truncate",
        },
      });
      return { type: "group", children };
    },
  }];
}

function axisOf(page, lane, at) {
  if (lane.rows) return { type: "value", gridIndex: at, min: -0.5, max: lane.rows.length - 0.5, inverse: true, show: false };
  if (lane.percent) return valueAxis(page, { min: 0, max: 100, step: 50, index: at, write: (value) => number(value, 0) });
  const sums = (below) => page.charts.hours.slice(1).map((_, index) => lane.stack.filter((each) => Boolean(each.below) === below).reduce((sum, each) => sum + (each.values[index] ?? 0), 0));
  const all = [...lane.lines.flatMap((each) => each.values), ...(lane.band?.high ?? [])];
  const most = Math.max(largest(all.filter((value) => value === null || value > 0)), ...(lane.stack.length ? sums(false) : [0]));
  const least = Math.max(largest(all.filter((value) => value !== null && value < 0)), ...(lane.stack.length ? sums(true) : [0]));
  // One step for both sides of zero, of the longer one, so that no two words lie over each other.
  const { step } = axisEnd(Math.max(most, least), lane.height > 200 ? 4 : lane.height > 120 ? 3 : 1);
  const ends = (value) => (value > 1e-9 ? Math.ceil(value / step - 1e-9) * step : 0);
  return valueAxis(page, { min: -ends(least), max: ends(most) || (least > 1e-9 ? 0 : step), step, index: at, write: (value) => onAxis(value, step) });
}

function title(page, lane, y, narrow) {
  const words = lane.lines.filter((each) => each.legend !== false).map((each, nth) => {
    const type = each.manner === "limit" || each.manner === "rules" ? "····" : each.manner === "plan" ? "– –" : "——";
    const colour = each.manner === "trial" ? page.trial : each.carrier ? page.colours.carrier(each.carrier) : each.manner === "limit" ? page.colours.second : page.colours.ink;
    return { nth, type, colour, text: each.label };
  });
  const small = { fontSize: SMALL, fontWeight: 400 };
  return [
    { text: `{t|${lane.title}}  {u|${lane.unit}}`, left: 0, top: y, padding: 0, textStyle: { rich: { t: { ...small, fontWeight: 600, color: page.colours.ink }, u: { ...small, color: page.colours.third } } } },
    { text: words.map((each) => `{m${each.nth}|${each.type}} {l|${each.text}}`).join("   "), ...(narrow ? { left: 0, top: y + 17 } : { right: 0, top: y }), padding: 0, textStyle: { rich: { l: { ...small, color: page.colours.second }, ...Object.fromEntries(words.map((each) => [`m${each.nth}`, { ...small, fontWeight: 600, color: each.colour }])) } } },
  ];
}

function rows(page, index) {
  const { words } = page;
  return page.charts.lanes.flatMap((lane) => {
    if (lane.rows) return [];
    const all = [...lane.stack, ...lane.lines];
    const decimals = lane.decimals ?? places(largest(all.flatMap((each) => each.values)));
    return all.filter((each) => each.values[index] !== undefined && (each.values[index] !== 0 || lane.lines.includes(each)))
      .map((each) => [each.label, each.values[index] === null ? words.no_reading : `${number(each.values[index], decimals)} ${lane.unit}`]);
  });
}

function notes(page, index) {
  const at = page.charts.hours[index];
  return page.charts.lanes.filter((lane) => lane.rows).flatMap((lane) => lane.rows).flatMap((row) => {
    const found = row.spells.find(([from, to]) => from <= at + 1e-9 && at < to - 1e-9);
    return found ? [`${row.label}: ${found[2]}`] : [];
  });
}

/** Where a lane's missing past is; of the plan nothing is missing. */
function missing(page, lane) {
  const { hours, now } = page.charts;
  const first = lane.stack[0] ?? lane.lines.find((each) => each.manner === "measured");
  return first ? gaps(hours, first.values.map((value, at) => (at < now ? value : 0))) : [];
}

function option(page, width) {
  const { charts, colours } = page;
  const narrow = width < 600;
  const grid = { left: charts.left && !narrow ? charts.left : 52, right: 20 };
  let y = 0;
  const made = { grid: [], xAxis: [], yAxis: [], series: [], title: [] };
  charts.lanes.forEach((lane, at) => {
    const height = lane.rows ? lane.rows.length * ROW : lane.height;
    // On a narrow page what the lines are stands under the title, with room for the word of now.
    const over = narrow && !lane.rows ? (at === 0 ? 58 : 42) : 22;
    made.title.push(...title(page, lane, y, narrow));
    made.grid.push({ ...grid, top: y + over, height, outerBoundsMode: "none" });
    const last = at === charts.lanes.length - 1;
    made.xAxis.push(timeAxis(page, last, at, width - grid.left - grid.right));
    made.yAxis.push(axisOf(page, lane, at));
    if (lane.rows) {
      made.series.push(...spells(page, lane, at));
      if (!narrow) lane.rows.forEach((row, nth) => made.title.push({ text: row.label, left: 0, top: y + over + nth * ROW + 5, padding: 0, textStyle: { fontSize: SMALL, fontWeight: 400, color: colours.second, width: grid.left - 8, overflow: "truncate" } }));
    } else {
      made.series.push(...(lane.band ? band(page, lane, at) : []), ...stack(page, lane, at), ...lineOf(page, lane, at), absent(page, missing(page, lane), at));
    }
    made.series.push({
      type: "line", xAxisIndex: at, yAxisIndex: at, data: [], silent: true,
      markLine: {
        symbol: "none", silent: true, animation: false, lineStyle: { color: colours.ink, width: 1.4, type: "solid" }, data: [{ xAxis: charts.hours[charts.now] }],
        label: { show: at === 0, formatter: charts.nowWord, position: "end", distance: 2, color: colours.surface, backgroundColor: colours.ink, padding: [2, 6], borderRadius: 3, fontSize: SMALL, fontWeight: 600 },
      },
    });
    y += over + height + (last ? AXIS : GAP - 22);
  });
  return { ...made, height: y, animation: false, textStyle: { fontFamily: page.font }, axisPointer: { link: [{ xAxisIndex: "all" }] }, tooltip: tooltip(page, (index) => rows(page, index), (index) => notes(page, index)) };
}

/** The numbers of the chart, one row per step, for who cannot or will not read curves. */
function table(page) {
  const { charts, words, lang } = page;
  const all = charts.lanes.filter((lane) => !lane.rows).flatMap((lane) => [...lane.stack, ...lane.lines].map((each) => ({ ...each, unit: lane.unit, decimals: lane.decimals ?? places(largest(each.values)) })));
  const made = element("table");
  const head = element("tr");
  head.append(...[words.time, ...all.map((each) => `${each.label} ${each.unit}`)].map((text) => element("th", "", text)));
  const body = charts.clock.slice(0, -1).map((_, index) => {
    const row = element("tr");
    const cells = all.map((each) => (each.values[index] === null ? element("td", "absent", words.no_reading) : element("td", "", number(each.values[index], each.decimals))));
    row.append(element("th", "", interval(charts.clock, index, lang)), ...cells);
    return row;
  });
  made.append(head, ...body);
  return made;
}

/** Draw every chart of the page anew. */
export function draw() {
  for (const [place, instance] of drawn) {
    if (!place.isConnected) { instance.dispose(); drawn.delete(place); }
  }
  for (const place of document.querySelectorAll("[data-lanes]")) {
    const source = document.getElementById(place.dataset.lanes);
    if (!source || !place.clientWidth) continue;
    const style = getComputedStyle(document.documentElement);
    const charts = JSON.parse(source.textContent);
    const page = {
      charts, words: charts.words, lang: document.documentElement.dataset.lang, colours: palette(), trial: style.getPropertyValue("--trial").trim(),
      dark: style.colorScheme === "dark", font: getComputedStyle(document.body).fontFamily,
    };
    const made = option(page, place.clientWidth);
    place.style.height = `${made.height}px`;
    const instance = drawn.get(place) ?? window.echarts.init(place, null, { renderer: "svg", width: place.clientWidth, height: made.height });
    instance.resize({ width: place.clientWidth, height: made.height });
    instance.setOption(made, { notMerge: true });
    drawn.set(place, instance);
    const under = document.querySelector(`[data-table-of="${place.dataset.lanes}"]`);
    if (under && under.open) under.querySelector("div").replaceChildren(table(page));
  }
}

export { stepAt };
