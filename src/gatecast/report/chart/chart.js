"use strict";
/* Lines and bands over time, as SVG: data in, drawing out. No library, no request, no HTML made of text.
 *
 *   const chart = Chart.draw(place, {
 *     label: "Sales by month",                   what it shows, for who cannot see it
 *     x: [978307200000, ...], time: true,        milliseconds since 1970 as clocks show them; or plain numbers
 *     names: ["2001-01", ...],                   what each x is called when pointed at
 *     digits: 0,                                 decimals of the values
 *     layers: [
 *       { kind: "band", name: "80 % interval", low: [...], high: [...], look: "inner" },
 *       { kind: "line", name: "history", y: [...], look: "history" },
 *       { kind: "line", name: "forecast", y: [...], look: "forecast", since: 41 },   told from this x on
 *     ],
 *     mark: 40,                                  a dashed line between this x and the next: the last value known
 *   });
 *   chart.update(spec);
 *   chart.at(event);                             position of the x that a pointer is at
 *
 * All layers share x; null is a gap, and a value between two gaps is a dot. Lines decide the height: a band that runs
 * away is cut at one such height above and below. Colours come from the style sheet, by "look". Pointing, touching and
 * the arrow keys tell the values of one x. The drawing follows the width of its place.
 */
const Chart = (() => {
  const NS = "http://www.w3.org/2000/svg";
  const NARROW = 520, DENSE = 300, TALL = 330, SHORT = 260;
  const MINUTE = 6e4, HOUR = 36e5, DAY = 864e5, MONTH = 30.44 * DAY, YEAR = 365.25 * DAY;
  const NOISE = 1e-12; // a smaller difference is none
  const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
  // [length, months of a step or null, its milliseconds]
  const STEPS = [
    ...[1, 5, 15, 30].map((n) => [n * MINUTE, null, n * MINUTE]),
    ...[1, 3, 6, 12].map((n) => [n * HOUR, null, n * HOUR]),
    ...[1, 2, 7, 14].map((n) => [n * DAY, null, n * DAY]),
    ...[1, 3, 6].map((n) => [n * MONTH, n, 0]),
    ...[1, 2, 5, 10, 20, 50, 100].map((n) => [n * YEAR, 12 * n, 0]),
  ];

  const known = (value) => value !== null && value !== undefined;

  // ---------------------------------------------------------------- numbers and axes

  /** Writes numbers with so many decimals; halves go to the even digit, as they do in Python. */
  const writer = (digits) => {
    const form = new Intl.NumberFormat("en-US", {
      minimumFractionDigits: digits, maximumFractionDigits: digits, roundingMode: "halfEven",
    });
    return (value) => (known(value) ? form.format(value) : "-");
  };

  /** About `count` round numbers from low to high, and the decimals they need. */
  const ticks = (low, high, count) => {
    const rough = (high - low) / Math.max(count, 1);
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 2.5, 5, 10].map((n) => n * power).find((size) => size >= rough * 0.999);
    const first = Math.ceil(low / step - 1e-9), last = Math.floor(high / step + 1e-9);
    const values = Array.from({ length: last - first + 1 }, (_, k) => (first + k) * step);
    const digits = Math.max(0, -Math.floor(Math.log10(step)) + (step / power === 2.5 ? 1 : 0));
    return { values, digits: Math.min(digits, 12) };
  };

  const shortened = (digits, high) => {
    if (Math.abs(high) < 1e6) return writer(digits);
    const form = new Intl.NumberFormat("en-US", { notation: "compact", maximumSignificantDigits: 4 });
    return (value) => form.format(value);
  };

  /** Round times between two, and their names: a year where it begins, a month or a clock elsewhere. */
  const timeTicks = (low, high, count) => {
    const rough = (high - low) / Math.max(count, 1);
    const [length, months, fixed] = STEPS.find(([size]) => size >= rough) ?? STEPS.at(-1);
    const values = [];
    if (months === null) {
      // whole days count from a Monday
      const origin = length >= DAY ? 4 * DAY : 0;
      for (let t = origin + Math.ceil((low - origin) / fixed) * fixed; t <= high; t += fixed) values.push(t);
    } else {
      const from = new Date(low);
      const begin = Math.floor((from.getUTCFullYear() * 12 + from.getUTCMonth()) / months) * months;
      for (let m = begin; values.length < 200; m += months) {
        const t = Date.UTC(Math.floor(m / 12), ((m % 12) + 12) % 12, 1);
        if (t > high) break;
        if (t >= low) values.push(t);
      }
    }
    return values.map((t, k) => [t, timeName(new Date(t), length, k === 0)]);
  };

  const timeName = (date, length, first) => {
    const [year, month, day] = [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()];
    if (length >= YEAR) return `${year}`;
    if (length >= MONTH) return month === 0 || first ? `${MONTHS[month]} ${year}` : MONTHS[month];
    const clock = `${String(date.getUTCHours()).padStart(2, "0")}:${String(date.getUTCMinutes()).padStart(2, "0")}`;
    if (length < DAY && clock !== "00:00") return clock;
    return first && length >= DAY ? `${day} ${MONTHS[month]} ${year}` : `${day} ${MONTHS[month]}`;
  };

  /** The height of the picture. */
  const heights = (layers) => {
    const of = (kind, keys) => layers.filter((one) => one.kind === kind)
      .flatMap((one) => keys.flatMap((key) => one[key])).filter(known);
    const core = of("line", ["y"]), wide = of("band", ["low", "high"]);
    if (!core.length) return [0, 1];
    const most = (values, start) => values.reduce((a, b) => Math.max(a, b), start);
    const least = (values, start) => values.reduce((a, b) => Math.min(a, b), start);
    let [low, high] = [least(core, Infinity), most(core, -Infinity)];
    if (high - low < NOISE) low = high = Math.abs(low) > NOISE ? low : 0;
    const span = high - low || Math.abs(high) || 1;
    const bottom = Math.max(least(wide, low), low - span), top = Math.min(most(wide, high), high + span);
    if (top - bottom < NOISE) return [low - 0.5, low + 0.5];
    const room = 0.05 * (top - bottom || span);
    // what is nowhere below zero is not drawn as if it could be
    return [low >= 0 ? Math.max(bottom - room, 0) : bottom - room, top + room];
  };

  // ---------------------------------------------------------------- pieces of SVG

  const make = (name, attributes = {}, text = "") => {
    const made = document.createElementNS(NS, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    if (text) made.textContent = text;
    return made;
  };

  /** Begin and end of each stretch where all of the given values are known. */
  const runs = (...columns) => {
    const found = [];
    let begin = -1;
    for (let k = 0; k <= columns[0].length; k += 1) {
      const here = k < columns[0].length && columns.every((column) => known(column[k]));
      if (here && begin < 0) begin = k;
      if (!here && begin >= 0) {
        found.push([begin, k]);
        begin = -1;
      }
    }
    return found;
  };

  const points = (x, y, begin, end) => {
    const written = [];
    for (let k = begin; k < end; k += 1) written.push(`${x(k).toFixed(1)},${y[k].toFixed(1)}`);
    return written;
  };

  const lineOf = (layer, x, y) => {
    const path = [], many = layer.y.length > DENSE ? " dense" : "";
    const dots = make("g", { class: `line ${layer.look}${many}` });
    const heightOf = layer.y.map((value) => (known(value) ? y(value) : 0));
    for (const [begin, end] of runs(layer.y)) {
      if (end - begin === 1) dots.append(make("circle", { cx: x(begin), cy: heightOf[begin], r: 2.2 }));
      else path.push(`M${points(x, heightOf, begin, end).join("L")}`);
    }
    dots.prepend(make("path", { d: path.join("") }));
    return dots;
  };

  const bandOf = (layer, x, y) => {
    const [low, high] = [layer.low, layer.high].map((side) => side.map((value) => (known(value) ? y(value) : 0)));
    const path = runs(layer.low, layer.high).map(([begin, end]) => {
      const back = points(x, high, begin, end).reverse();
      return `M${[...points(x, low, begin, end), ...back].join("L")}Z`;
    });
    return make("path", { class: `band ${layer.look}`, d: path.join("") });
  };

  const keyOf = (layers) => {
    const list = document.createElement("ul");
    list.className = "key";
    list.setAttribute("aria-hidden", "true");
    for (const layer of layers) {
      const item = document.createElement("li"), swatch = document.createElement("span");
      swatch.className = `chart-swatch ${layer.kind} ${layer.look}`;
      item.append(swatch, layer.name);
      list.append(item);
    }
    return list;
  };

  // ---------------------------------------------------------------- the whole drawing

  /** Where things stand, for a width. */
  const frameOf = (spec, width) => {
    const height = width < NARROW ? SHORT : TALL;
    const [low, high] = heights(spec.layers);
    const marks = ticks(low, high, width < NARROW ? 4 : 6);
    const write = shortened(marks.digits, high);
    const names = marks.values.map(write);
    const left = 14 + 7.4 * Math.max(...names.map((name) => name.length));
    const box = { left, right: width - 14, top: 10, bottom: height - 28 };
    const [first, last] = [spec.x[0], spec.x.at(-1)];
    const place = (value) => box.left + ((value - first) / (last - first || 1)) * (box.right - box.left);
    return {
      width, height, box, place, ticks: marks.values.map((value, k) => [value, names[k]]),
      x: (k) => place(spec.x[k]),
      y: (value) => box.bottom - ((value - low) / (high - low)) * (box.bottom - box.top),
      xTicks: spec.time
        ? timeTicks(first, last, width < NARROW ? 4 : 8)
        : ticks(first, last, width < NARROW ? 4 : 8).values.filter(Number.isInteger).map((n) => [n, String(n)]),
    };
  };

  const axesOf = (frame) => {
    const { box } = frame, group = make("g", { class: "axes" });
    for (const [value, name] of frame.ticks) {
      const y = frame.y(value);
      group.append(make("line", { x1: box.left, x2: box.right, y1: y, y2: y }));
      group.append(make("text", { x: box.left - 8, y: y + 4, "text-anchor": "end" }, name));
    }
    let free = 0; // names that would touch are left out
    for (const [value, name] of frame.xTicks) {
      const half = 3.6 * name.length, x = frame.place(value);
      if (x - half < free || x + half > frame.width) continue;
      free = x + half + 10;
      group.append(make("text", { x, y: frame.height - 8, "text-anchor": "middle" }, name));
    }
    return group;
  };

  let numbered = 0;

  const svgOf = (spec, frame) => {
    const { width, height, box } = frame;
    const svg = make("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": spec.label, tabindex: 0 });
    const clip = `chart-clip-${(numbered += 1)}`, cut = make("clipPath", { id: clip });
    cut.append(make("rect", { x: box.left, y: 0, width: width - box.left, height: box.bottom + 4 }));
    const drawn = make("g", { "clip-path": `url(#${clip})` });
    for (const layer of spec.layers) {
      drawn.append((layer.kind === "band" ? bandOf : lineOf)(layer, frame.x, frame.y));
    }
    svg.append(cut, axesOf(frame));
    if (known(spec.mark)) {
      const x = frame.x(spec.mark);
      svg.append(make("line", { class: "mark", x1: x, x2: x, y1: box.top, y2: box.bottom }));
    }
    svg.append(drawn, make("g", { class: "pointed" }));
    return svg;
  };

  const tells = (layer, at) => layer.kind === "line" && known(layer.y[at]) && at >= (layer.since ?? 0);

  /** What is said of one x: name and value of each layer that has one there. */
  const told = (spec, at, write) => {
    const rows = [];
    for (const layer of spec.layers) {
      if (tells(layer, at)) rows.push([layer.name, write(layer.y[at])]);
      else if (layer.kind === "band" && known(layer.low[at]) && layer.low[at] !== layer.high[at]) {
        rows.push([layer.name, `${write(layer.low[at])} to ${write(layer.high[at])}`]);
      }
    }
    return rows.reverse();
  };

  const draw = (place, first) => {
    let spec = first, frame = null, svg = null, at = -1;
    const [key, stage, tip] = ["div", "div", "div"].map((name) => document.createElement(name));
    stage.className = "chart-stage";
    tip.className = "chart-tip";
    tip.setAttribute("role", "status");
    tip.hidden = true;
    place.classList.add("chart");
    place.replaceChildren(key, stage);

    const leave = () => {
      at = -1;
      tip.hidden = true;
      svg.querySelector(".pointed").replaceChildren();
    };

    const point = (k) => {
      at = Math.min(Math.max(k, 0), spec.x.length - 1);
      const x = frame.x(at), shown = [make("line", { x1: x, x2: x, y1: frame.box.top, y2: frame.box.bottom })];
      for (const layer of spec.layers) {
        if (!tells(layer, at)) continue;
        shown.push(make("circle", { class: `line ${layer.look}`, cx: x, cy: frame.y(layer.y[at]), r: 4 }));
      }
      svg.querySelector(".pointed").replaceChildren(...shown);
      const title = document.createElement("b"), rows = document.createElement("dl");
      title.textContent = spec.names[at];
      for (const [name, value] of told(spec, at, writer(spec.digits))) {
        const [term, text] = [document.createElement("dt"), document.createElement("dd")];
        term.textContent = name;
        text.textContent = value;
        rows.append(term, text);
      }
      tip.replaceChildren(title, rows);
      tip.hidden = false;
      const scale = stage.clientWidth / frame.width, wide = tip.offsetWidth;
      const side = x * scale + 14 + wide > stage.clientWidth ? x * scale - 14 - wide : x * scale + 14;
      tip.style.left = `${Math.max(side, 0)}px`;
    };

    const nearest = (event) => {
      const bounds = svg.getBoundingClientRect();
      const x = ((event.clientX - bounds.left) / bounds.width) * frame.width;
      let [low, high] = [0, spec.x.length - 1];
      while (high - low > 1) {
        const middle = (low + high) >> 1;
        if (frame.x(middle) < x) low = middle;
        else high = middle;
      }
      return x - frame.x(low) < frame.x(high) - x ? low : high;
    };

    const keyed = (event) => {
      const start = at < 0 ? (spec.mark ?? 0) : at;
      const to = { ArrowLeft: start - 1, ArrowRight: start + 1, Home: 0, End: spec.x.length - 1 }[event.key];
      if (event.key === "Escape") leave();
      if (to === undefined) return;
      event.preventDefault();
      point(to);
    };

    const paint = () => {
      const width = Math.floor(stage.clientWidth) || 640;
      frame = frameOf(spec, width);
      svg = svgOf(spec, frame);
      svg.addEventListener("pointermove", (event) => point(nearest(event)));
      svg.addEventListener("pointerdown", (event) => point(nearest(event)));
      svg.addEventListener("pointerleave", leave);
      svg.addEventListener("keydown", keyed);
      svg.addEventListener("blur", leave);
      stage.replaceChildren(svg, tip);
      tip.hidden = true;
      place.dataset.width = String(width);
    };

    const update = (next) => {
      spec = next;
      at = -1;
      key.replaceChildren(keyOf(spec.layers));
      paint();
    };

    update(spec);
    // paper scales the drawing by its viewBox
    new ResizeObserver(() => {
      if (String(Math.floor(stage.clientWidth)) !== place.dataset.width && !matchMedia("print").matches) paint();
    }).observe(stage);
    return { update, at: nearest };
  };

  return { draw, writer, ticks, timeTicks };
})();
