// Lanes under one time axis: price and marginal price, grid import, state of charge, reasons.

import { axisEnd, largest, number, onAxis, places } from "report/format";
import { SMALL, absent, gaps, states, steps, timeAxis, tint, tooltip, valueAxis } from "report/paint";

const LANE = 88;
const ROW = 26;
const HEAD = 24;
const AXIS = 24;

function line(lane, data, style, step = "end") {
  return {
    type: "line", xAxisIndex: lane, yAxisIndex: lane, step, symbol: "none", silent: true, data,
    lineStyle: style, emphasis: { disabled: true }, clip: true,
  };
}

function title(page, text, unit, y) {
  return {
    text: `{t|${text}}  {u|${unit}}`, left: 0, top: y, padding: 0,
    textStyle: { rich: {
      t: { fontSize: SMALL, fontWeight: 600, color: page.colours.ink },
      u: { fontSize: SMALL, fontWeight: 400, color: page.colours.third },
    } },
  };
}

/** Words in a lane at its right upper corner: [text, colour, line type]. */
function legend(page, entries, y, right) {
  const parts = entries.map(([text, colour, type], at) => ({ text, colour, type, at }));
  return {
    text: parts.map((p) => `{m${p.at}|${p.type === "dots" ? "····" : p.type === "dash" ? "– –" : "——"}} {l|${p.text}}`).join("   "),
    right, top: y, padding: 0,
    textStyle: { rich: {
      l: { fontSize: SMALL, fontWeight: 400, color: page.colours.second },
      ...Object.fromEntries(parts.map((p) => [`m${p.at}`, { fontSize: SMALL, color: p.colour, fontWeight: 600 }])),
    } },
  };
}

function priceLane(page, lane, given) {
  const { charts, colours, words, lang } = page;
  const scale = (values) => values.map((value) => (value === null ? null : value / 1000));
  const bought = given.import.map((each) => scale(each.values));
  const marginal = given.marginal.map((each) => scale(each.values));
  const usual = Math.max(0.01, ...bought.map(largest), ...(bought.length ? [] : marginal.map(largest)));
  const cap = axisEnd(Math.max(usual, Math.min(usual * 1.6, Math.max(0, ...marginal.map(largest)))), 1);
  const lowest = Math.min(0, ...[...bought, ...marginal].flat().filter((value) => value !== null));
  const min = lowest < 0 ? -Math.ceil(Math.min(-lowest, cap.end) / cap.step) * cap.step : 0;
  const clipped = (values) => values.map((value) => (value === null ? null : Math.max(min, Math.min(cap.end, value))));
  const series = [
    ...bought.map((values) => ({
      ...line(lane, steps(charts.hours, values), { width: 1.2, color: colours.second }),
      areaStyle: { color: tint(colours.grid, 0.14), origin: 0 },
    })),
    ...marginal.map((values, nth) => line(lane, steps(charts.hours, clipped(values)), { width: 1.6, color: colours.ink, type: nth ? [5, 3] : "solid" })),
    absent(page, bought.length ? gaps(charts.hours, bought[0]) : [], lane),
  ];
  const beyond = marginal.flatMap((values) => values.map((value, index) => (value > cap.end ? index : -1)).filter((index) => index >= 0));
  const scarce = beyond.some((index) => (given.scarce ?? []).some(([from, to]) => from <= charts.hours[index] && charts.hours[index] < to));
  if (beyond.length) series.push({
    type: "scatter", xAxisIndex: lane, yAxisIndex: lane, symbol: "triangle", symbolSize: 6, silent: true, clip: false,
    itemStyle: { color: colours.ink }, data: beyond.filter((index, at) => at === 0 || beyond[at - 1] !== index - 1).map((index) => [charts.hours[index], cap.end]),
  });
  const most = number(Math.max(...marginal.map(largest)), 4);
  const note = beyond.length ? ` · ▲ ${words[scarce ? "scarcity" : "beyond_scale"][lang].replace("{price}", most)}` : "";
  return {
    head: words.price[lang], unit: words.price_unit[lang] + note, series,
    legend: [
      ...(bought.length ? [[words.price_import[lang], colours.second, "line"]] : []),
      ...marginal.map((_, nth) => [nodeWords(page, given.marginal, nth), colours.ink, nth ? "dash" : "line"]),
    ],
    axis: { min, max: cap.end, step: cap.step, write: (value) => onAxis(value, cap.step) },
    columns: [
      ...bought.map((values) => [words.price_import[lang], values, 4, words.price_unit[lang]]),
      ...marginal.map((values, nth) => [nodeWords(page, given.marginal, nth), values, 4, words.price_unit[lang]]),
    ],
  };
}

function nodeWords(page, all, nth) {
  const { words, lang } = page;
  return all.length === 1 ? words.marginal[lang] : words.marginal_of[lang].replace("{node}", all[nth].node);
}

function importLane(page, lane, given) {
  const { charts, colours, words, lang } = page;
  const most = Math.max(largest(given.values), largest(given.rules ?? []));
  const end = axisEnd(most, 1);
  const decimals = places(most);
  const own = words[charts.policy === "plan" ? "import_plan" : "import_run"][lang];
  return {
    head: words.import[lang], unit: "MW",
    series: [
      {
        ...line(lane, steps(charts.hours, given.values), { width: 1.6, color: colours.ink }),
        areaStyle: { color: tint(colours.grid, 0.3), origin: 0 },
      },
      ...(given.rules ? [line(lane, steps(charts.hours, given.rules), { width: 1.4, color: colours.second, type: [1.4, 3] })] : []),
      absent(page, gaps(charts.hours, given.values), lane),
    ],
    legend: [[own, colours.ink, "line"], ...(given.rules ? [[words.import_rules[lang], colours.second, "dots"]] : [])],
    axis: { min: 0, max: end.end, step: end.step, write: (value) => onAxis(value, end.step) },
    columns: [
      [`${words.import[lang]}, ${own}`, given.values, decimals, "MW"],
      ...(given.rules ? [[`${words.import[lang]}, ${words.import_rules[lang]}`, given.rules, decimals, "MW"]] : []),
    ],
  };
}

function socLane(page, lane, given) {
  const { charts, colours, words, lang } = page;
  const hundred = (values) => values.map((value) => (value === null ? null : value * 100));
  const named = (each) => words.soc_rules[lang].replace("{name}", each.label[lang]);
  const series = given.flatMap((each, nth) => {
    const own = colours.carrier(each.carrier);
    const style = { width: 1.8, color: own, type: nth ? [6, 2 + nth] : "solid" };
    const found = [line(lane, states(charts.hours, hundred(each.values)), style, false)];
    if (each.rules) found.push(line(lane, states(charts.hours, hundred(each.rules)), { width: 1.4, color: colours.second, type: [1.4, 3] }, false));
    return found;
  });
  series.push(absent(page, given.length ? gaps(charts.hours, given[0].values) : [], lane));
  return {
    head: words.soc[lang], unit: "%", series,
    legend: [
      ...given.map((each, nth) => [each.label[lang], colours.carrier(each.carrier), nth ? "dash" : "line"]),
      ...(given.some((each) => each.rules) ? [[words.import_rules[lang], colours.second, "dots"]] : []),
    ],
    axis: { min: 0, max: 100, step: 50, write: (value) => number(value, 0) },
    columns: given.flatMap((each) => [
      [each.label[lang], hundred(each.values), 1, "%"],
      ...(each.rules ? [[named(each), hundred(each.rules), 1, "%"]] : []),
    ]),
  };
}

/** Bars with a carrier's edge; a bar wide enough carries its sentence. */
function reasonBars(page, lane, given) {
  const { colours, lang } = page;
  const data = given.flatMap((row, nth) => row.spells.map(([from, to], at) => [from, to, nth, at]));
  return {
    type: "custom", xAxisIndex: lane, yAxisIndex: lane, silent: true, clip: true, data, encode: { x: [0, 1], y: 2 },
    renderItem: (params, api) => {
      const [nth, at] = [api.value(2), api.value(3)];
      const [x, y] = api.coord([api.value(0), nth]);
      const width = api.coord([api.value(1), nth])[0] - x;
      const carrier = given[nth].carrier;
      const edge = carrier ? colours.carrier(carrier) : colours.second;
      const box = { x, y: y - ROW / 2 + 3, width: Math.max(1, width - 1), height: ROW - 6 };
      const children = [
        { type: "rect", shape: { ...box, r: 3 }, style: { fill: colours.raised, stroke: colours.strong, lineWidth: 1 } },
        { type: "rect", shape: { ...box, width: Math.min(3, box.width) }, style: { fill: edge } },
      ];
      if (width > 40) children.push({
        type: "text", style: {
          text: given[nth].spells[at][2][lang], x: x + 8, y, verticalAlign: "middle", fill: colours.ink, fontSize: 11.5, fontFamily: page.font,
          width: width - 14, overflow: "truncate", ellipsis: "…",
        },
      });
      return { type: "group", children };
    },
  };
}

function reasonAxis(page, lane, given, left) {
  const { colours, lang } = page;
  return {
    type: "category", gridIndex: lane, inverse: true, data: given.map((each) => each.label[lang]),
    axisLine: { show: false }, axisTick: { show: false }, axisPointer: { show: false },
    splitLine: { show: true, lineStyle: { color: colours.hairline } },
    axisLabel: { color: colours.ink, fontSize: SMALL, width: left - 10, overflow: "truncate", margin: 8, interval: 0 },
  };
}

/** The words of all lanes once, for a page too narrow to carry them in each. */
function keysOf(made) {
  const all = new Map(made.flatMap((each) => each.legend).map(([text, colour, type]) => [text, [type === "line" ? "line" : "dots", text, colour]]));
  return [...all.values()];
}

/** The chart of `page.charts.lanes`. */
export function lanes(page, _nth, size) {
  const { charts, lang, words } = page;
  const given = charts.lanes;
  const reasons = given.reasons ?? [];
  const narrow = size.width < 560;
  const left = narrow ? 74 : reasons.length ? 156 : 56;
  const right = 20;
  const makers = { price: priceLane, import: importLane, soc: socLane };
  const made = Object.keys(makers).filter((key) => given[key]).map((key, lane) => makers[key](page, lane, given[key]));
  const count = made.length + (reasons.length ? 1 : 0);
  const grid = made.map((_, at) => ({ left, right, top: at * LANE + HEAD, height: LANE - HEAD - 12, outerBoundsMode: "none" }));
  if (reasons.length) grid.push({ left, right, top: made.length * LANE + 6, height: reasons.length * ROW, outerBoundsMode: "none" });
  const all = made.flatMap((each) => each.columns);
  const value = ([, values, decimals, unit], index) => (values[index] === null ? words.no_reading[lang] : `${number(values[index], decimals)} ${unit}`);
  const notes = (index) => {
    const middle = (charts.hours[index] + charts.hours[index + 1]) / 2;
    return reasons.flatMap((row) => row.spells.filter(([from, to]) => from <= middle && middle < to).map((spell) => `${row.label[lang]}: ${spell[2][lang]}`));
  };
  return {
    option: {
      animation: false, grid,
      title: made.flatMap((each, at) => [
        title(page, each.head, each.unit, at * LANE),
        ...(narrow ? [] : [legend(page, each.legend, at * LANE, right)]),
      ]),
      axisPointer: { link: [{ xAxisIndex: "all" }] },
      xAxis: grid.map((_, lane) => timeAxis(page, lane === count - 1, lane, size.width - left - right)),
      yAxis: [
        ...made.map((each, lane) => valueAxis(page, { ...each.axis, index: lane })),
        ...(reasons.length ? [reasonAxis(page, made.length, reasons, left)] : []),
      ],
      tooltip: tooltip(page, (index) => all.map((column) => [column[0], value(column, index)]), notes),
      series: [...made.flatMap((each) => each.series), ...(reasons.length ? [reasonBars(page, made.length, reasons)] : [])],
    },
    keys: narrow ? keysOf(made) : [],
    table: {
      heads: all.map(([name, , , unit]) => `${name} ${unit}`),
      cells: (index) => all.map(([, values, decimals]) => (values[index] === null ? null : number(values[index], decimals))),
    },
    height: made.length * LANE + (reasons.length ? reasons.length * ROW + 6 : 0) + AXIS,
  };
}
