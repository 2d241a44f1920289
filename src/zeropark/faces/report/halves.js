// Two half-width charts: cooling beside the weather, jobs beside clean power.

import { axisEnd, largest, number, onAxis, places } from "report/format";
import { SMALL, absent, gaps, hatch, steps, timeAxis, tint, tooltip, valueAxis } from "report/paint";

const STRIP = 22;
const PITCH = 26;

function plain(data, style, more = {}) {
  return { type: "line", symbol: "none", silent: true, data, lineStyle: style, emphasis: { disabled: true }, ...more };
}

/** A name above the highest or below the lowest point of a line, away from the ends. */
function onLine(page, values, text, colour, above) {
  const { charts } = page;
  const edge = Math.floor(values.length * 0.14);
  let found = null;
  values.forEach((value, index) => {
    if (value === null || index < edge || index >= values.length - edge) return;
    if (!found || (above ? value > found[1] : value < found[1])) found = [charts.hours[index], value];
  });
  const position = above ? "top" : "bottom";
  return found ? [{ value: found, label: { show: true, position, distance: 5, formatter: () => text, color: colour, fontSize: SMALL } }] : [];
}

function shade(page, modes, code) {
  const last = Math.max(1, modes.length - 1);
  const at = modes.findIndex((mode) => mode.code === code);
  return tint(page.colours.carrier("cooling"), 0.14 + (0.56 * Math.max(0, at)) / last);
}

/** One hall's band of modes; a spell wide enough carries the mode's name. */
function modeStrip(page, modes, hall, nth) {
  const { colours, lang, words } = page;
  return {
    type: "custom", xAxisIndex: nth, yAxisIndex: nth, silent: true, data: hall.spells.map(([from, to, code]) => [from, to, code ?? -1]),
    encode: { x: [0, 1], y: -1 },
    renderItem: (params, api) => {
      const lane = params.coordSys;
      const code = api.value(2);
      const mode = modes.find((each) => each.code === code);
      const [from, to] = [0, 1].map((at) => api.coord([api.value(at), 0])[0]);
      const fill = code < 0 ? hatch(colours.strong, colours.raised) : shade(page, modes, code);
      const children = [{
        type: "rect", shape: { x: from, y: lane.y, width: to - from, height: lane.height },
        style: { fill, stroke: colours.carrier("cooling"), lineWidth: 0.6 },
      }];
      const text = code < 0 ? words.no_reading[lang] : mode ? mode.label[lang] : String(code);
      const wide = text.length * (lang === "zh" ? 12.5 : 6.6) + 8;
      if (to - from > wide) children.push({
        type: "text", style: { text, x: (from + to) / 2, y: lane.y + lane.height / 2, align: "center", verticalAlign: "middle", fill: colours.ink, fontSize: SMALL, fontFamily: page.font },
      });
      return { type: "group", children };
    },
  };
}

/** The chart of `page.charts.cooling`. */
export function cooling(page, _nth, size) {
  const { charts, colours, lang, words } = page;
  const { halls, modes } = charts.cooling;
  const count = halls.length;
  const [air, wet] = ["air", "wet"].map((key) => charts.cooling[key]?.values ?? null);
  const known = [...(air ?? []), ...(wet ?? [])].filter((value) => value !== null);
  const [low, high] = known.length ? [Math.min(...known), Math.max(...known)] : [0, 1];
  const step = [1, 2, 5, 10, 20].find((each) => (high - low) / each <= 4.5) ?? 50;
  const [min, max] = [Math.floor((low - step * 0.6) / step) * step, Math.ceil((high + step * 0.4) / step) * step];
  const left = count > 1 ? 86 : 34;
  const sides = { left, right: 20, outerBoundsMode: "none" };
  const grid = [...halls.map((_, nth) => ({ ...sides, top: 2 + nth * PITCH, height: STRIP })), { ...sides, top: count * PITCH + 12, bottom: 28 }];
  const blue = colours.carrier("cooling");
  const lane = { xAxisIndex: count, yAxisIndex: count };
  const labels = [
    ...(air ? onLine(page, air, words.outside_air[lang], colours.ink, true) : []),
    ...(wet ? onLine(page, wet, words.wet_bulb[lang], blue, false) : []),
  ];
  const modeAt = (hall, index) => {
    const middle = (charts.hours[index] + charts.hours[index + 1]) / 2;
    const spell = hall.spells.find(([from, to]) => from <= middle && middle < to);
    const mode = spell && modes.find((each) => each.code === spell[2]);
    return mode ? mode.label[lang] : words.no_reading[lang];
  };
  const degrees = (values, index) => (values[index] === null ? words.no_reading[lang] : `${number(values[index], 1)} ${words.degree[lang]}`);
  const strip = (hall, nth) => ({
    type: "category", gridIndex: nth, data: [hall.label[lang]], axisLine: { show: false }, axisTick: { show: false }, axisPointer: { show: false },
    axisLabel: { show: count > 1, color: colours.ink, fontSize: SMALL, width: left - 12, overflow: "truncate", margin: 8 },
  });
  return {
    option: {
      animation: false, grid, axisPointer: { link: [{ xAxisIndex: "all" }] },
      xAxis: grid.map((_, nth) => timeAxis(page, nth === count, nth, size.width - left - 20)),
      yAxis: [...halls.map(strip), valueAxis(page, { min, max, step, index: count, write: (value) => onAxis(value, step) })],
      tooltip: tooltip(page, (index) => [
        ...halls.map((hall) => [hall.label[lang], modeAt(hall, index)]),
        ...(air ? [[words.outside_air[lang], degrees(air, index)]] : []),
        ...(wet ? [[words.wet_bulb[lang], degrees(wet, index)]] : []),
      ]),
      series: [
        ...halls.map((hall, nth) => modeStrip(page, modes, hall, nth)),
        ...(air ? [plain(steps(charts.hours, air), { width: 1.6, color: colours.ink }, lane)] : []),
        ...(wet ? [plain(steps(charts.hours, wet), { width: 1.4, color: blue }, lane)] : []),
        { type: "scatter", ...lane, symbolSize: 0, silent: true, data: labels },
        absent(page, air ? gaps(charts.hours, air) : [], count),
      ],
    },
    keys: keysOf(page, modes, halls),
    table: {
      heads: [...halls.map((hall) => hall.label[lang]), ...(air ? [`${words.outside_air[lang]} ${words.degree[lang]}`] : []), ...(wet ? [`${words.wet_bulb[lang]} ${words.degree[lang]}`] : [])],
      cells: (index) => [
        ...halls.map((hall) => modeAt(hall, index)),
        ...[air, wet].filter(Boolean).map((values) => (values[index] === null ? null : number(values[index], 1))),
      ],
    },
  };
}

/** Modes that occur, with their shade. */
function keysOf(page, modes, halls) {
  const seen = new Set(halls.flatMap((hall) => hall.spells.map(([, , code]) => code)));
  return modes.filter((mode) => seen.has(mode.code)).map((mode) => [shade(page, modes, mode.code), mode.label[page.lang]]);
}

/** The chart of `page.charts.jobs`. */
export function jobs(page, _nth, size) {
  const { charts, colours, lang, words } = page;
  const { classes, clean, rules, unit } = charts.jobs;
  const own = colours.carrier("compute");
  const total = charts.hours.slice(0, -1).map((_, index) => {
    const values = classes.map((each) => each.values[index]);
    return values.some((value) => value === null) ? null : values.reduce((sum, value) => sum + value, 0);
  });
  const most = Math.max(largest(total), largest(rules ?? []));
  const end = axisEnd(most * 1.02, 2);
  const left = end.end >= 10000 ? 58 : 44;
  const fills = classes.map((_, nth) => tint(own, 0.82 - (0.58 * nth) / Math.max(1, classes.length)));
  const share = clean ? clean.values.map((value) => (value === null ? null : value * 100)) : null;
  const series = classes.map((each, nth) => ({
    ...plain(steps(charts.hours, each.values), { width: 0 }), step: "end", stack: "jobs",
    areaStyle: { color: fills[nth], opacity: 1 },
  }));
  if (rules) series.push(plain(steps(charts.hours, rules), { width: 1.4, color: colours.second, type: [1.4, 3] }, { step: "end", z: 4 }));
  if (share) series.push(plain(steps(charts.hours, share), { width: 1.3, color: colours.ink }, { yAxisIndex: 1, step: "end", z: 5 }));
  series.push(absent(page, gaps(charts.hours, total)));
  const decimals = places(most);
  const value = (given) => (given === null ? null : number(given, decimals));
  const said = (text, of) => (text === null ? words.no_reading[lang] : `${text} ${of}`);
  const right = { ...valueAxis(page, { min: 0, max: 100, step: 50, right: true, lines: false, write: (each) => `${number(each, 0)} %` }) };
  return {
    option: {
      animation: false, grid: { left, right: 48, top: 10, bottom: 28, outerBoundsMode: "none" },
      xAxis: timeAxis(page, true, 0, size.width - left - 48),
      yAxis: [valueAxis(page, { min: 0, max: end.end, step: end.step, write: (each) => onAxis(each, end.step) }), ...(share ? [right] : [])],
      tooltip: tooltip(page, (index) => [
        ...classes.map((each) => [each.label[lang], said(value(each.values[index]), words[unit][lang])]),
        ...(rules ? [[words.jobs_rules[lang], said(value(rules[index]), words[unit][lang])]] : []),
        ...(share ? [[words.clean_share[lang], said(share[index] === null ? null : number(share[index], 1), "%")]] : []),
      ]),
      series,
    },
    keys: [
      ...classes.map((each, nth) => [fills[nth], each.label[lang]]),
      ...(share ? [["line", words.clean_share[lang]]] : []),
      ...(rules ? [["dots", words.jobs_rules[lang]]] : []),
    ],
    table: {
      heads: [...classes.map((each) => `${each.label[lang]} ${words[unit][lang]}`), ...(rules ? [`${words.jobs_rules[lang]} ${words[unit][lang]}`] : []), ...(share ? [`${words.clean_share[lang]} %`] : [])],
      cells: (index) => [
        ...classes.map((each) => value(each.values[index])),
        ...(rules ? [value(rules[index])] : []),
        ...(share ? [share[index] === null ? null : number(share[index], 1)] : []),
      ],
    },
  };
}
