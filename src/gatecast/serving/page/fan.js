// The fan chart of one series: history, intervals, forecast, what came; with a part of it that is shown.
/* global Chart */
import { button, h } from "/page/dom.js";

const TIME = /^(-?\d{4})(?:-(\d\d?))?(?:-(\d\d?))?(?:[ T](\d\d):(\d\d)(?::(\d\d))?)?/;
const PERIOD = /^(\d{4})-?([QW])(\d\d?)$/;

/** Labels of times as milliseconds, as clocks show them; as numbers where they are steps or of an unknown form. */
export const timeline = (labels) => {
  if (labels.every((label) => typeof label === "number")) return { x: labels, time: false };
  const x = labels.map((label) => {
    const period = PERIOD.exec(label);
    if (period) return Date.UTC(period[1], 0, 1) + (period[3] - 1) * (period[2] === "W" ? 7 : 91.3) * 864e5;
    const part = TIME.exec(label);
    return part ? Date.UTC(part[1], (part[2] ?? 1) - 1, part[3] ?? 1, part[4] ?? 0, part[5] ?? 0, part[6] ?? 0) : NaN;
  });
  const rising = x.every((value, k) => Number.isFinite(value) && (!k || value > x[k - 1]));
  return rising ? { x, time: true } : { x: labels.map((_, k) => k), time: false };
};

/** Decimals that show values well: about four digits of the largest. */
export const digitsOf = (values) => {
  const most = Math.max(...values.filter((value) => value !== null).map(Math.abs), 0);
  return most > 0 ? Math.min(Math.max(2 - Math.floor(Math.log10(most)), 0), 8) : 0;
};

/** Pairs of levels that stand around the middle, the widest first: [low, high, name]. */
export const intervals = (quantiles) => {
  const levels = Object.keys(quantiles).sort((a, b) => a - b);
  return levels
    .filter((level) => level < 0.5)
    .map((low) => [low, levels.find((high) => Math.abs(Number(low) + Number(high) - 1) < 1e-9), low])
    .filter(([, high]) => high !== undefined)
    .map(([low, high]) => [low, high, `${Number((100 * (1 - 2 * low)).toPrecision(6))}\u00a0% interval`]);
};

/**
 * All that is drawn of a series, on one axis.
 *
 * history: {time, value}; forecast: {time, forecast, quantiles} or null; more: lines {name, look, time, value, joined}.
 * Joined ones begin at the last value before them.
 */
const drawn = ({ label, history, forecast, more = [] }) => {
  const names = [...history.time],
    places = new Map(names.map((name, k) => [name, k]));
  for (const name of [...(forecast?.time ?? []), ...more.flatMap((line) => line.time)]) {
    if (!places.has(name)) places.set(name, names.push(name) - 1);
  }
  const spread = (time, values, joined) => {
    const made = Array(names.length).fill(null);
    time.forEach((name, k) => {
      made[places.get(name)] = values[k];
    });
    const begin = places.get(time[0]);
    if (joined && begin > 0) made[begin - 1] = history.value[begin - 1] ?? null;
    return made;
  };
  const origin = forecast ? places.get(forecast.time[0]) : null,
    layers = [];
  if (forecast) {
    const pairs = intervals(forecast.quantiles);
    pairs.forEach(([low, high, name], k) =>
      layers.push({
        kind: "band",
        name,
        look: k === pairs.length - 1 ? "inner" : "outer",
        low: spread(forecast.time, forecast.quantiles[low], true),
        high: spread(forecast.time, forecast.quantiles[high], true),
      }),
    );
  }
  layers.push({ kind: "line", name: "observed", look: "history", y: spread(history.time, history.value, false) });
  if (forecast)
    layers.push({
      kind: "line",
      name: "forecast",
      look: "forecast",
      y: spread(forecast.time, forecast.forecast, true),
      since: origin,
    });
  for (const line of more.filter((one) => one.time.length)) {
    layers.push({
      kind: "line",
      name: line.name,
      look: line.look,
      y: spread(line.time, line.value, line.joined),
      since: line.joined ? origin : 0,
    });
  }
  return {
    label,
    names,
    layers,
    ...timeline(names),
    mark: forecast ? origin - 1 : null,
    digits: digitsOf([...history.value.slice(-200), ...(forecast?.forecast ?? [])]),
  };
};

/** The part of a drawing from one position to another, inclusive. */
const cut = (spec, from, to) => {
  const sliced = (values) => values.slice(from, to + 1);
  const layers = spec.layers.map((layer) => {
    const kept = { ...layer, since: Math.max((layer.since ?? 0) - from, 0) };
    for (const side of ["y", "low", "high"]) if (layer[side]) kept[side] = sliced(layer[side]);
    return kept;
  });
  const mark = spec.mark !== null && spec.mark >= from && spec.mark < to ? spec.mark - from : null;
  return { ...spec, layers, mark, x: sliced(spec.x), names: sliced(spec.names) };
};

/** A chart with its buttons. `show(what, keep)`: what is drawn, and whether the same part stays in view. */
export const fan = (place) => {
  const stage = h("div", { class: "plot-place" }),
    span = h("div", { class: "drag", hidden: true });
  const said = h("span", { class: "span" });
  let spec = null,
    chart = null,
    from = 0,
    to = 0;

  const last = () => spec.x.length - 1;
  const look = (begin, end) => {
    const width = Math.min(Math.max(Math.round(end - begin), 3), last());
    from = Math.min(Math.max(Math.round(begin), 0), last() - width);
    to = from + width;
    const part = cut(spec, from, to);
    if (chart) chart.update(part);
    else chart = Chart.draw(stage, part);
    said.textContent = `${spec.names[from]} to ${spec.names[to]}`;
    whole.disabled = from === 0 && to === last();
    back.disabled = from === 0;
    on.disabled = to === last();
  };
  const zoom = (share) => {
    const middle = to === last() ? to : (from + to) / 2,
      width = (to - from) * share;
    if (to === last())
      look(to - width, to); // what is to come stays in view
    else look(middle - width / 2, middle + width / 2);
  };
  const move = (share) => look(from + (to - from) * share, to + (to - from) * share);
  const back = button("◀", () => move(-0.5), { "aria-label": "Earlier" }),
    on = button("▶", () => move(0.5), { "aria-label": "Later" });
  const whole = button("All", () => look(0, last()), { "aria-label": "The whole history" });
  const near = () => {
    const ahead = spec.mark === null ? 0 : last() - spec.mark;
    look(last() - ahead - Math.max(6 * ahead, 48), last());
  };

  let began = null;
  stage.addEventListener("pointerdown", (event) => {
    if (event.pointerType === "mouse" && event.target.closest("svg")) began = { k: chart.at(event), x: event.clientX };
  });
  stage.addEventListener("pointermove", (event) => {
    if (!began) return;
    const left = stage.getBoundingClientRect().left;
    span.hidden = Math.abs(event.clientX - began.x) < 6;
    span.style.left = `${Math.min(event.clientX, began.x) - left}px`;
    span.style.width = `${Math.abs(event.clientX - began.x)}px`;
  });
  addEventListener("pointerup", (event) => {
    if (began && !span.hidden) {
      const [a, b] = [began.k, chart.at(event)].sort((one, other) => one - other);
      if (b > a) look(from + a, from + b);
    }
    began = null;
    span.hidden = true;
  });

  place.replaceChildren(
    h(
      "figure",
      { class: "drawing" },
      h("div", { class: "plot" }, stage, span),
      h(
        "div",
        { "class": "zoom", "role": "group", "aria-label": "Part of the chart" },
        button("+", () => zoom(0.5), { "aria-label": "Zoom in" }),
        button("−", () => zoom(2), { "aria-label": "Zoom out" }),
        back,
        on,
        whole,
        said,
      ),
      h(
        "figcaption",
        {},
        "Point at the chart, or use the arrow keys, to read values; drag over a part to see it larger.",
      ),
    ),
  );
  return {
    show: (what, keep = false) => {
      const before = spec,
        atEnd = before && to === last();
      spec = drawn(what);
      if (!keep || !before) near();
      else if (atEnd) look(last() - (to - from), last());
      else look(from, to);
    },
  };
};
