// Every hour of a long run as a map: days across, hours down.

import { date, number } from "report/format";
import { SMALL, element } from "report/paint";

// Where on the ramp its colours stand, by share of clean power.
const STOPS = [0, 0.3, 0.5, 0.7, 0.85, 1];
const RAMPS = {
  light: ["#FFFFFF", "#F1EDDA", "#DCD3A4", "#BBAD68", "#93823A", "#6E5F14"],
  dark: ["#1B2026", "#2E3031", "#544E3E", "#86764E", "#B89F62", "#E2C57A"],
};

/** The hatch of what has no reading, for a canvas. */
function hatched(colours) {
  const tile = element("canvas", "");
  tile.width = tile.height = 6;
  const brush = tile.getContext("2d");
  brush.fillStyle = colours.raised;
  brush.fillRect(0, 0, 6, 6);
  brush.strokeStyle = colours.strong;
  brush.beginPath();
  brush.moveTo(0, 6);
  brush.lineTo(6, 0);
  brush.stroke();
  return { type: "pattern", image: tile, repeat: "repeat" };
}

/** The ramp in steps of one hundredth, so that its uneven stops are kept. */
function ramp(colours) {
  const rgb = colours.map((hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16)));
  return Array.from({ length: 101 }, (_, hundredth) => {
    const share = hundredth / 100;
    const next = Math.max(1, STOPS.findIndex((stop) => stop >= share));
    const way = (share - STOPS[next - 1]) / (STOPS[next] - STOPS[next - 1]);
    return `rgb(${rgb[next].map((to, part) => Math.round(rgb[next - 1][part] + (to - rgb[next - 1][part]) * way))})`;
  });
}

/** The chart of `page.charts.map`. */
export function map(page) {
  const { charts, colours, lang, words } = page;
  const { first, days, cells } = charts.map;
  const there = cells.filter(([, , value]) => value !== null).map(([day, hour, value]) => [day, hour, value * 100]);
  const absent = cells.filter(([, , value]) => value === null).map(([day, hour]) => [day, hour, 1]);
  const named = (day) => date(first + day * 1440, lang);
  const begins = (day) => new Date((first + day * 1440) * 60000).getUTCDate() === 1;
  const dark = document.documentElement.dataset.theme === "dark";
  const series = { type: "heatmap", progressive: 0, emphasis: { disabled: true } };
  return {
    renderer: "canvas",
    option: {
      animation: false, grid: { left: 44, right: 86, top: 8, bottom: 28, outerBoundsMode: "none" },
      xAxis: {
        type: "category", data: Array.from({ length: days }, (_, day) => named(day)), axisLine: { show: false }, axisTick: { show: false },
        axisLabel: { color: colours.third, fontSize: SMALL, interval: (day) => (days > 92 ? begins(day) : day % 7 === 0) }, splitArea: { show: false },
      },
      yAxis: {
        type: "category", inverse: true, data: Array.from({ length: 24 }, (_, hour) => `${String(hour).padStart(2, "0")}:00`),
        axisLine: { show: false }, axisTick: { show: false }, axisLabel: { color: colours.third, fontSize: SMALL, interval: (hour) => hour % 6 === 0 },
      },
      visualMap: {
        type: "continuous", seriesIndex: 0, min: 0, max: 100, calculable: false, right: 0, top: 8, itemHeight: 176, itemWidth: 10,
        text: ["100 %", "0 %"], textStyle: { color: colours.third, fontSize: SMALL }, inRange: { color: ramp(RAMPS[dark ? "dark" : "light"]) },
      },
      tooltip: {
        confine: true, transitionDuration: 0, backgroundColor: colours.surface, borderColor: colours.strong, padding: [8, 10],
        formatter: ({ value, seriesIndex }) => {
          const box = element("div", "tip");
          box.append(element("b", "", `${named(value[0])} ${String(value[1]).padStart(2, "0")}:00`));
          box.append(element("div", "", seriesIndex ? words.no_reading[lang] : `${words.clean_share[lang]} ${number(value[2], 1)} %`));
          return box;
        },
      },
      series: [{ ...series, data: there }, { ...series, data: absent, itemStyle: { color: hatched(colours) } }],
    },
    keys: [],
  };
}
