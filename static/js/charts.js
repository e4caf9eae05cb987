// <div data-chart="line|area|bar" data-source="ID" data-unit="W"> draws the JSON in <script id="ID" type="application/json">:
//   line, area  {"series": [{"name": "Solar", "points": [[t_ms, value or null], ...]}]}
//   bar         {"categories": ["Mon", ...], "series": [{"name": "Earned", "values": [1, 2, ...]}]}
// ECharts is loaded when a page first needs it. A chart repaints when its JSON or the theme has changed.
import { formatTime } from "./time.js";

const SERIES = 6;
const drawn = new WeakMap(); // element: {chart, text}
let loading = null;

function library() {
  loading ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = document.documentElement.dataset.echarts;
    script.addEventListener("load", () => resolve(window.echarts));
    script.addEventListener("error", () => reject(new Error("ECharts could not be loaded")));
    document.head.append(script);
  });
  return loading;
}

export async function chartsIn(root) {
  const found = root.querySelectorAll("[data-chart]");
  if (!found.length) return;
  const echarts = await library();
  for (const element of found) draw(echarts, element, false);
}

function draw(echarts, element, repaint) {
  const text = document.getElementById(element.dataset.source)?.textContent;
  const before = drawn.get(element);
  if (!text || (before?.text === text && !repaint)) return;
  const chart = before?.chart ?? echarts.init(element, null, { renderer: "svg" });
  if (!before) new ResizeObserver(() => chart.resize()).observe(element);
  drawn.set(element, { chart, text });
  chart.setOption(option(element, JSON.parse(text)), { notMerge: repaint, replaceMerge: ["series"] });
}

// The page's colours, which stand in CSS as light-dark(): a probe element says what they are just now.
function colours() {
  const probe = document.createElement("span");
  document.body.append(probe);
  const read = (name) => {
    probe.style.color = `var(${name})`;
    const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    canvas.fillStyle = getComputedStyle(probe).color;
    canvas.fillRect(0, 0, 1, 1);
    const [red, green, blue] = canvas.getImageData(0, 0, 1, 1).data;
    return `rgb(${red}, ${green}, ${blue})`;
  };
  const found = {
    text: read("--tblr-secondary"),
    line: read("--tblr-border-color"),
    surface: read("--tblr-bg-surface"),
    ink: read("--tblr-body-color"),
    series: Array.from({ length: SERIES }, (_, index) => read(`--h-chart-${index + 1}`)),
  };
  probe.remove();
  return found;
}

function option(element, data) {
  const kind = element.dataset.chart;
  const unit = element.dataset.unit ? ` ${element.dataset.unit}` : "";
  const paint = colours();
  const many = data.series.length > 1;
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const number = (value) => (value == null ? "–" : `${value.toLocaleString("en-GB", { maximumFractionDigits: 2 })}${unit}`);
  const axisText = { color: paint.text, fontFamily: "Inter Variable", fontSize: 12 };
  const time = kind !== "bar";
  return {
    color: paint.series,
    animation: !calm,
    animationDuration: 400,
    textStyle: { fontFamily: "Inter Variable" },
    grid: { left: 4, right: 22, top: many ? 36 : 12, bottom: 4, containLabel: true },
    legend: many ? { top: 0, left: 0, icon: "circle", itemWidth: 9, itemHeight: 9, itemGap: 16, textStyle: { ...axisText, color: paint.ink } } : { show: false },
    tooltip: {
      trigger: "axis",
      className: "card",
      backgroundColor: paint.surface,
      borderColor: paint.line,
      padding: [8, 12],
      textStyle: { color: paint.ink },
      axisPointer: { type: time ? "line" : "shadow", lineStyle: { color: paint.text } },
      formatter: (points) => tip(points, time, number),
    },
    xAxis: time
      ? { type: "time", axisLabel: { ...axisText, hideOverlap: true }, axisLine: { lineStyle: { color: paint.line } }, axisTick: { show: false }, splitLine: { show: false } }
      : { type: "category", data: data.categories, axisLabel: { ...axisText, hideOverlap: true }, axisLine: { lineStyle: { color: paint.line } }, axisTick: { show: false } },
    yAxis: { type: "value", scale: time, axisLabel: { ...axisText, formatter: (value) => `${value.toLocaleString("en-GB")}${unit}` }, splitLine: { lineStyle: { color: paint.line } } },
    series: data.series.map((series, index) => one(series, kind, index)),
  };
}

function one(series, kind, index) {
  if (kind === "bar") {
    return { name: series.name, type: "bar", data: series.values, barMaxWidth: 36, itemStyle: { borderRadius: [4, 4, 0, 0] } };
  }
  return {
    name: series.name,
    type: "line",
    data: series.points,
    showSymbol: series.points.length < 2,
    connectNulls: false,
    lineStyle: { width: 2, type: ["solid", "solid", "solid", "dashed", "dashed", "dotted"][index % SERIES] },
    areaStyle: kind === "area" ? { opacity: 0.12 } : undefined,
    emphasis: { focus: "series" },
  };
}

// Built of elements, since the content policy refuses inline styles.
function tip(points, time, number) {
  const box = document.createElement("div");
  box.className = "chart-tip";
  const head = document.createElement("strong");
  head.textContent = time ? formatTime(new Date(points[0].value[0]), "datetime") : points[0].name;
  box.append(head);
  for (const point of points) {
    const dot = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    dot.setAttribute("viewBox", "0 0 10 10");
    const circle = document.createElementNS("http://www.w3.org/2000/svg", "circle");
    for (const [name, value] of [["cx", 5], ["cy", 5], ["r", 5], ["fill", point.color]]) circle.setAttribute(name, value);
    dot.append(circle);
    const name = document.createElement("span");
    name.textContent = point.seriesName;
    const value = document.createElement("b");
    value.textContent = number(time ? point.value[1] : point.value);
    box.append(dot, name, value);
  }
  return box;
}

document.addEventListener("hearth:theme", () => {
  for (const element of document.querySelectorAll("[data-chart]")) {
    if (drawn.has(element)) draw(window.echarts, element, true);
  }
});
