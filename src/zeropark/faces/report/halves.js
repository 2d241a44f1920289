// Two half-width charts: cooling beside the weather, jobs beside clean power.

import { axisEnd, largest, number, onAxis, places } from "report/format";
import { SMALL, absent, gaps, steps, timeAxis, tint, tooltip, valueAxis } from "report/paint";

const STRIP = 24;

function plain(data, style, more = {}) {
  return { type: "line", symbol: "none", silent: true, data, lineStyle: style, emphasis: { disabled: true }, ...more };
}

/** A name on a line, where the line has room above or below it. */
function onLine(page, values, text, colour, above, share) {
  const { charts } = page;
  const known = values.map((value, index) => [value, index]).filter(([value]) => value !== null);
  if (!known.length) return [];
  const [value, index] = known[Math.floor((known.length - 1) * share)];
  return [{
    value: [charts.hours[index], value],
    label: { show: true, position: above ? "top" : "bottom", distance: 5, formatter: () => text, color: colour, fontSize: SMALL },
  }];
}

function shade(page, modes, code) {
  const last = Math.max(1, modes.length - 1);
  const at = modes.findIndex((mode) => mode.code === code);
  return tint(page.colours.carrier("cooling"), 0.14 + (0.56 * Math.max(0, at)) / last);
}

/** The band of modes; a spell wide enough carries the mode's name. */
function modeStrip(page, hall) {
  const { colours, lang, words } = page;
  return {
    type: "custom", xAxisIndex: 0, yAxisIndex: 0, silent: true, data: hall.spells.map(([from, to, code]) => [from, to, code ?? -1]),
    encode: { x: [0, 1], y: -1 },
    renderItem: (params, api) => {
      const lane = params.coordSys;
      const code = api.value(2);
      const mode = hall.modes.find((each) => each.code === code);
      const [from, to] = [0, 1].map((at) => api.coord([api.value(at), 0])[0]);
      const fill = code < 0 ? colours.raised : shade(page, hall.modes, code);
      const children = [{
        type: "rect", shape: { x: from, y: lane.y, width: to - from, height: lane.height },
        style: { fill, stroke: colours.carrier("cooling"), lineWidth: 0.6 },
      }];
      const text = code < 0 ? words.no_reading[lang] : mode ? mode.label[lang] : String(code);
      const wide = text.length * (lang === "zh" ? 12.5 : 6.6) + 8;
      if (to - from > wide) children.push({
        type: "text", style: { text, x: (from + to) / 2, y: lane.y + lane.height / 2, align: "center", verticalAlign: "middle", fill: colours.ink, fontSize: SMALL },
      });
      return { type: "group", children };
    },
  };
}

/** The chart of `page.charts.cooling[nth]`. */
export function cooling(page, nth, size) {
  const { charts, colours, lang, words } = page;
  const hall = charts.cooling[nth];
  const air = hall.air?.values ?? null;
  const wet = hall.wet?.values ?? null;
  const known = [...(air ?? []), ...(wet ?? [])].filter((value) => value !== null);
  const [low, high] = known.length ? [Math.min(...known), Math.max(...known)] : [0, 1];
  const step = axisEnd(Math.max(2, high - low), 3).step;
  const [min, max] = [Math.floor((low - step * 0.2) / step) * step, Math.ceil((high + step * 0.2) / step) * step];
  const grid = [{ left: 34, right: 10, top: 2, height: STRIP }, { left: 34, right: 10, top: STRIP + 16, bottom: 28 }];
  const blue = colours.carrier("cooling");
  const labels = [
    ...(air ? onLine(page, air, words.outside_air[lang], colours.ink, true, 0.3) : []),
    ...(wet ? onLine(page, wet, words.wet_bulb[lang], blue, false, 0.62) : []),
  ];
  const modeAt = (index) => {
    const middle = (charts.hours[index] + charts.hours[index + 1]) / 2;
    const spell = hall.spells.find(([from, to]) => from <= middle && middle < to);
    const mode = spell && hall.modes.find((each) => each.code === spell[2]);
    return mode ? mode.label[lang] : words.no_reading[lang];
  };
  const degrees = (values, index) => (values[index] === null ? words.no_reading[lang] : `${number(values[index], 1)} ${words.degree[lang]}`);
  const hidden = { type: "value", gridIndex: 0, min: 0, max: 1, show: false };
  return {
    option: {
      animation: false, grid, axisPointer: { link: [{ xAxisIndex: "all" }] },
      xAxis: [timeAxis(page, false, 0), timeAxis(page, true, 1)],
      yAxis: [hidden, valueAxis(page, { min, max, step, index: 1, write: (value) => onAxis(value, step) })],
      tooltip: tooltip(page, (index) => [
        ...(air ? [[words.outside_air[lang], degrees(air, index)]] : []),
        ...(wet ? [[words.wet_bulb[lang], degrees(wet, index)]] : []),
      ], (index) => [modeAt(index)]),
      series: [
        modeStrip(page, hall),
        ...(air ? [plain(steps(charts.hours, air), { width: 1.6, color: colours.ink }, { xAxisIndex: 1, yAxisIndex: 1 })] : []),
        ...(wet ? [plain(steps(charts.hours, wet), { width: 1.4, color: blue }, { xAxisIndex: 1, yAxisIndex: 1 })] : []),
        { type: "scatter", xAxisIndex: 1, yAxisIndex: 1, symbolSize: 0, silent: true, data: labels },
        absent(page, air ? gaps(charts.hours, air) : [], 1),
      ],
    },
    keys: keysOf(page, hall, size),
    table: {
      heads: ["", ...(air ? [`${words.outside_air[lang]} ${words.degree[lang]}`] : []), ...(wet ? [`${words.wet_bulb[lang]} ${words.degree[lang]}`] : [])],
      cells: (index) => [modeAt(index), ...[air, wet].filter(Boolean).map((values) => (values[index] === null ? null : number(values[index], 1)))],
    },
  };
}

/** Modes that occur, with their shade. */
function keysOf(page, hall) {
  const seen = new Set(hall.spells.map(([, , code]) => code));
  return hall.modes.filter((mode) => seen.has(mode.code)).map((mode) => [shade(page, hall.modes, mode.code), mode.label[page.lang]]);
}

/** The chart of `page.charts.jobs`. */
export function jobs(page) {
  const { charts, colours, lang, words } = page;
  const { classes, clean, rules, unit } = charts.jobs;
  const own = colours.carrier("compute");
  const total = charts.hours.slice(0, -1).map((_, index) => {
    const values = classes.map((each) => each.values[index]);
    return values.some((value) => value === null) ? null : values.reduce((sum, value) => sum + value, 0);
  });
  const most = Math.max(largest(total), largest(rules ?? []));
  const end = axisEnd(most * 1.02, 2);
  const fills = classes.map((_, nth) => tint(own, 0.82 - (0.58 * nth) / Math.max(1, classes.length)));
  const share = clean ? clean.values.map((value) => (value === null ? null : value * 100)) : null;
  const series = classes.map((each, nth) => ({
    ...plain(steps(charts.hours, each.values), { width: 0 }), step: "end", stack: "jobs",
    areaStyle: { color: fills[nth], opacity: 1 },
  }));
  if (rules) series.push(plain(steps(charts.hours, rules), { width: 1.4, color: colours.second, type: [1.4, 3] }, { step: "end", z: 4 }));
  if (share) series.push(plain(steps(charts.hours, share), { width: 1.7, color: colours.ink }, { yAxisIndex: 1, step: "end", z: 5 }));
  series.push(absent(page, gaps(charts.hours, total)));
  const decimals = places(most);
  const value = (given) => (given === null ? null : number(given, decimals));
  const said = (text, of) => (text === null ? words.no_reading[lang] : `${text} ${of}`);
  const right = { ...valueAxis(page, { min: 0, max: 100, step: 50, right: true, lines: false, write: (each) => `${number(each, 0)} %` }) };
  return {
    option: {
      animation: false, grid: { left: 44, right: 48, top: 10, bottom: 28 },
      xAxis: timeAxis(page, true),
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
