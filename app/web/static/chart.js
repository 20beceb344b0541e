// Curves with uPlot: what is drawn stands in `data-chart` beside a table that says the same.
"use strict";

(() => {
  const charts = new Set();

  const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  const faded = (color) => `color-mix(in srgb, ${color} 18%, transparent)`;

  function series(one) {
    const color = token(one.tone);
    return {
      label: one.label,
      stroke: one.hidden ? "transparent" : color,
      width: one.dashed ? 1 : 2,
      dash: one.dashed ? [5, 4] : [],
      points: { show: false },
      paths: one.steps ? uPlot.paths.stepped({ align: 1 }) : undefined,
      value: (plot, value, which, at) => (value == null ? "" : one.said?.[at] ?? ""),
    };
  }

  function draw(figure) {
    const chart = JSON.parse(figure.dataset.chart);
    const format = new Intl.NumberFormat(document.documentElement.lang, { notation: "compact" });
    const grid = { stroke: token("--line"), width: 1 };
    const told = new Intl.DateTimeFormat(
      document.documentElement.lang,
      chart.by_day
        ? { month: "short", day: "numeric", timeZone: "UTC" }
        : { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: chart.time_zone },
    );
    const axis = { stroke: token("--ink-2"), grid, ticks: grid, font: "12px Inter, sans-serif" };
    const { paddingLeft, paddingRight } = getComputedStyle(figure);
    const plot = new uPlot(
      {
        width: figure.clientWidth - parseFloat(paddingLeft) - parseFloat(paddingRight),
        height: figure.clientHeight - 32,
        tzDate: (at) => uPlot.tzDate(new Date(at * 1e3), chart.time_zone),
        scales: { x: { range: chart.range } },
        series: [{ label: "\u00a0", value: (plot, value, which, at) => chart.x_said[at] ?? "" }, ...chart.series.map(series)],
        bands: chart.band ? [{ series: chart.band, fill: faded(token("--accent")) }] : [],
        axes: [
          { ...axis, values: (plot, times) => times.map((at) => told.format(new Date(at * 1e3))) },
          { ...axis, size: 64, values: (plot, values) => values.map((one) => format.format(one)) },
        ],
        cursor: { drag: { x: false, y: false } },
      },
      [chart.x, ...chart.series.map((one) => one.y)],
      figure,
    );
    charts.add(plot);
    figure.dataset.drawn = "";
  }

  function drawAll() {
    for (const plot of charts) {
      if (plot.root.isConnected) continue;
      plot.destroy();
      charts.delete(plot);
    }
    for (const figure of document.querySelectorAll("[data-chart]:not([data-drawn])")) draw(figure);
  }

  function drawAnew() {
    for (const plot of charts) plot.destroy();
    charts.clear();
    for (const figure of document.querySelectorAll("[data-drawn]")) delete figure.dataset.drawn;
    drawAll();
  }

  document.addEventListener("DOMContentLoaded", drawAll);
  document.addEventListener("htmx:afterSwap", drawAll);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAnew);
  // What is drawn knows no style sheet: paper has other colours and another width.
  matchMedia("print").addEventListener("change", drawAnew);
  let waiting;
  addEventListener("resize", () => {
    clearTimeout(waiting);
    waiting = setTimeout(drawAnew, 150);
  });
})();
