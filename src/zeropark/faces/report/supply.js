// One carrier's supply: what fed it above zero, storing and export below, use as a line.

import { axisEnd, largest, number, onAxis, places } from "report/format";
import { SMALL, absent, gaps, hatch, hatchCss, steps, tint, timeAxis, tooltip, valueAxis } from "report/paint";

const TINTS = [0.62, 0.34, 0.48, 0.22, 0.55, 0.28];
const TOP = 12;
const BOTTOM = 28;

/** Colours of an asset in its stack: [fill, key, edge]. */
function colour(page, each, carrier, nth) {
  const { colours } = page;
  const own = colours.carrier(carrier);
  if (each.manner === "grid") return [tint(colours.grid, 0.48), tint(colours.grid, 0.48), colours.grid];
  if (each.manner === "store") return [hatch(own, tint(own, 0.14)), hatchCss(own), own];
  if (each.manner === "export") return [tint(own, 0.16), tint(own, 0.16), own];
  const opacity = TINTS[nth % TINTS.length];
  return [tint(own, opacity), tint(own, opacity), own];
}

function sumAt(all, index) {
  return all.reduce((sum, each) => sum + (each.values[index] ?? 0), 0);
}

/** Where a name fits inside its band: the place where it is thickest over the width of the word. */
function place(base, each, hours, pxPerUnit, pxPerHour, text) {
  const half = Math.max(1, Math.ceil(((text.length * 4.2 + 8) / pxPerHour) / (hours[1] - hours[0])));
  let best = null;
  for (let index = half; index < each.values.length - half; index += 1) {
    let [low, high] = [-Infinity, Infinity];
    for (let at = index - half; at <= index + half; at += 1) {
      const value = each.values[at];
      if (value === null) { high = low; break; }
      low = Math.max(low, base[at]);
      high = Math.min(high, base[at] + value);
    }
    const room = (high - low) * pxPerUnit;
    if (room >= 17 && (!best || room > best.room)) best = { room, x: hours[index], y: (low + high) / 2 };
  }
  return best;
}

/** Names that stand in the chart; the others go to the keys under it. */
function named(page, chart, all, sign, pxPerUnit, pxPerHour) {
  const base = chart.hours.slice(0, -1).map(() => 0);
  const inside = [];
  const beside = [];
  for (const each of all) {
    const text = each.label[page.lang];
    const width = page.lang === "zh" ? text.replace(/[^\x00-\xff]/g, "xx") : text;
    const at = place(base, each, chart.hours, pxPerUnit, pxPerHour, width);
    if (at) inside.push({ text, x: at.x, y: sign * at.y, chip: each.manner === "store" });
    else if (largest(each.values) > 0) beside.push(each);
    each.values.forEach((value, index) => { base[index] += value ?? 0; });
  }
  return { inside, beside };
}

function area(each, hours, stack, fill, edge, sign) {
  return {
    type: "line", name: each.label.en, stack, step: "end", symbol: "none", silent: true,
    data: steps(hours, each.values.map((value) => (value === null ? null : sign * value))),
    lineStyle: { width: 0.8, color: edge, opacity: 0.55 }, areaStyle: { color: fill, opacity: 1 },
    emphasis: { disabled: true },
  };
}

function line(data, style) {
  return { type: "line", step: "end", symbol: "none", silent: true, data, lineStyle: style, emphasis: { disabled: true }, z: 4 };
}

/** Words at the right end of the two lines, apart from each other. */
function ends(page, chart, pxPerUnit) {
  const { colours, words, lang, charts } = page;
  const end = charts.hours.at(-1);
  const last = (values) => values.findLast((value) => value !== null);
  const plan = charts.policy === "plan" && chart.rules;
  const found = [[end, last(chart.used) ?? 0, words[plan ? "used_plan" : "used_run"][lang], colours.ink, 600]];
  if (chart.rules) {
    let y = last(chart.rules) ?? 0;
    const gap = 15 / pxPerUnit;
    if (Math.abs(y - found[0][1]) < gap) y = found[0][1] + (y > found[0][1] ? gap : -gap);
    found.push([end, y, words.used_rules[lang], colours.second, 400]);
  }
  return found;
}

function label(page, x, y, text, style) {
  return { value: [x, y], label: { show: true, formatter: () => text, color: page.colours.ink, fontSize: SMALL, ...style } };
}

/** The chart of `page.charts.supply[nth]`. */
export function supply(page, nth, size) {
  const { charts, colours, lang, words } = page;
  const chart = { ...charts.supply[nth], hours: charts.hours };
  const counts = chart.used.map((_, index) => index);
  const up = axisEnd(Math.max(...counts.map((index) => sumAt(chart.above, index)), largest(chart.used), largest(chart.rules ?? [])), 4);
  const down = Math.max(0, ...counts.map((index) => sumAt(chart.below, index)));
  const low = down > 0 ? Math.ceil(down / up.step - 1e-9) * up.step : 0;
  const narrow = size.width < 560;
  const grid = { left: narrow ? 34 : 44, right: narrow ? 20 : 86, top: TOP, bottom: BOTTOM, outerBoundsMode: "none" };
  const pxPerUnit = (size.height - TOP - BOTTOM) / (up.end + low);
  const pxPerHour = (size.width - grid.left - grid.right) / charts.hours.at(-1);
  const over = named(page, chart, chart.above, 1, pxPerUnit, pxPerHour);
  const under = named(page, chart, chart.below, -1, pxPerUnit, pxPerHour);
  let clean = 0;
  const paint = (each) => colour(page, each, chart.carrier, each.manner === "clean" ? clean++ : 0);
  const painted = new Map([...chart.above, ...chart.below].map((each) => [each, paint(each)]));
  const series = [
    ...chart.above.map((each) => area(each, charts.hours, "up", painted.get(each)[0], painted.get(each)[2], 1)),
    ...chart.below.map((each) => area(each, charts.hours, "down", painted.get(each)[0], painted.get(each)[2], -1)),
    line(steps(charts.hours, chart.used), { width: 1.6, color: colours.ink }),
  ];
  if (chart.rules) series.push(line(steps(charts.hours, chart.rules), { width: 1.4, color: colours.second, type: [1.4, 3] }));
  series.push({
    type: "scatter", symbolSize: 0, silent: true, clip: false, z: 6,
    data: [
      ...[...over.inside, ...under.inside].map((each) => label(page, each.x, each.y, each.text, {
        position: "inside", ...(each.chip ? { backgroundColor: colours.surface, padding: [2, 5], borderRadius: 3 } : {}),
      })),
      ...(narrow ? [] : ends(page, chart, pxPerUnit).map(([x, y, text, ink, weight]) => label(page, x, y, text, {
        position: "right", distance: 5, color: ink, fontWeight: weight,
      }))),
    ],
  });
  series.push(absent(page, gaps(charts.hours, chart.used)));
  const all = [...chart.above, ...chart.below];
  const decimals = places(largest(all.flatMap((each) => each.values)));
  const value = (given) => (given === null ? words.no_reading[lang] : `${number(given, decimals)} MW`);
  const rows = (index) => [
    ...all.filter((each) => each.values[index] === null || each.values[index] > 0).map((each) => [each.label[lang], value(each.values[index])]),
    [words.used_run[lang], value(chart.used[index])],
    ...(chart.rules ? [[words.used_rules[lang], value(chart.rules[index])]] : []),
  ];
  return {
    option: {
      animation: false, grid,
      xAxis: timeAxis(page, true, 0, size.width - grid.left - grid.right),
      yAxis: valueAxis(page, { min: -low, max: up.end, step: up.step, write: (each) => onAxis(each, up.step) }),
      tooltip: tooltip(page, rows), series,
    },
    keys: [
      ...[...over.beside, ...under.beside].map((each) => [painted.get(each)[1], each.label[lang]]),
      ...(narrow ? [["line", words.used_run[lang]], ...(chart.rules ? [["dots", words.used_rules[lang]]] : [])] : []),
    ],
    table: {
      heads: [...all.map((each) => `${each.label[lang]} MW`), `${words.used_run[lang]} MW`, ...(chart.rules ? [`${words.used_rules[lang]} MW`] : [])],
      cells: (index) => [...all.map((each) => each.values[index]), chart.used[index], ...(chart.rules ? [chart.rules[index]] : [])]
        .map((each) => (each === null ? null : number(each, decimals))),
    },
  };
}
