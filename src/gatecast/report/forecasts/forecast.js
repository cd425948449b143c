"use strict";
// Fills the page of a forecast from the data in it: chart, table, what-if, files. Text is set as text, never as HTML.
(() => {
  const data = JSON.parse(document.getElementById("forecast-data").textContent);
  const $ = (id) => document.getElementById(id);
  const middle = data.levels.indexOf(0.5);
  // the outermost interval first: [low, high, name], the inner ones on top of it
  const intervals = data.levels.slice(0, middle)
    .map((level, k) => [k, data.levels.length - 1 - k, level])
    .filter(([, high, level]) => Math.abs(level + data.levels[high] - 1) < 1e-9)
    .map(([low, high, level]) => [low, high, `${Number((100 * (1 - 2 * level)).toPrecision(6))}\u00a0% interval`]);
  let chart = null, chosen = null;

  const element = (name, text = "", attributes = {}) => {
    const made = document.createElement(name);
    if (text) made.textContent = text;
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  };

  const hasBand = (entry, [low]) => entry.quantiles[low][0] !== null;

  // ---------------------------------------------------------------- chart

  const layersOf = (entry, other) => {
    const grid = data.grids[entry.grid], last = entry.history.at(-1);
    const before = Array(grid.past - 1).fill(null);
    const after = (values) => [...before, last, ...values]; // a fan opens at the last value observed
    const bands = intervals.filter((pair) => hasBand(entry, pair)).map(([low, high, name], k, all) => ({
      kind: "band", name, look: k === all.length - 1 ? "inner" : "outer",
      low: after(entry.quantiles[low]), high: after(entry.quantiles[high]),
    }));
    const blank = Array(grid.x.length - grid.past).fill(null);
    const layers = [...bands, { kind: "line", name: "observed", look: "history", y: [...entry.history, ...blank] }];
    if (entry.before.length) {
      const then = [...Array(grid.past).fill(null), ...entry.before];
      layers.push({ kind: "line", name: "a year before", look: "lastyear", y: then });
    }
    const ahead = (name, look, values) => ({ kind: "line", name, look, y: after(values), since: grid.past });
    layers.push(ahead("forecast", "forecast", entry.quantiles[middle]));
    if (other) layers.push(ahead("what if", "other", other[1]));
    return layers;
  };

  /** Where the picture begins: not in an empty half, and no further back than the eye can follow unless asked to. */
  const beginOf = (entry, grid) => {
    const known = Math.max(entry.history.findIndex((value) => value !== null), 0);
    const near = grid.past - Math.max(6 * (grid.x.length - grid.past), 48);
    $("far-box").hidden = near <= known;
    return Math.min($("far").checked ? known : Math.max(known, near), grid.past - 1);
  };

  const draw = (entry, other) => {
    const grid = data.grids[entry.grid], first = beginOf(entry, grid);
    const cut = (layer) => {
      const kept = { ...layer, since: (layer.since ?? first) - first };
      for (const side of ["y", "low", "high"]) if (layer[side]) kept[side] = layer[side].slice(first);
      return kept;
    };
    const layers = layersOf(entry, other).map(cut);
    const bands = layers.filter((layer) => layer.kind === "band").map((layer) => layer.name.replace(" interval", ""));
    $("reading").textContent = bands.length
      ? `The truth should lie in the ${bands.length > 1 ? "darkest " : ""}band ${bands.at(-1)} of the time`
        + `${bands.length > 1 ? `, in the palest one ${bands[0]}` : ""}.` : "";
    const spec = {
      label: `${entry.name}, ${data.targets[entry.target]}. ${entry.said}`, layers, time: data.time,
      digits: entry.digits, x: grid.x.slice(first), names: grid.names.slice(first), mark: grid.past - 1 - first,
    };
    if (chart) chart.update(spec);
    else chart = Chart.draw($("plot"), spec);
  };

  // ---------------------------------------------------------------- table and files

  /** Name and quantile of each column: the intervals from the inside out, then what is no end of one. */
  const columnsOf = (entry) => {
    const ends = intervals.filter((pair) => hasBand(entry, pair)).reverse().flatMap(([low, high, name]) => [
      [name.replace("interval", "low"), low], [name.replace("interval", "high"), high],
    ]);
    const named = new Set([middle, ...intervals.flatMap(([low, high]) => [low, high])]);
    const rest = data.levels.map((level, q) => [`quantile ${level}`, q])
      .filter(([, q]) => !named.has(q) && entry.quantiles[q][0] !== null);
    return [["forecast", middle], ...ends, ...rest];
  };

  const rowsOf = (entry) => {
    const grid = data.grids[entry.grid], write = Chart.writer(entry.digits), columns = columnsOf(entry);
    const heads = [data.step, ...columns.map(([name]) => name)];
    const rows = entry.quantiles[middle].map((_, h) => [
      grid.names[grid.past + h], ...columns.map(([, q]) => write(entry.quantiles[q][h])),
    ]);
    return [heads, ...rows];
  };

  const fill = (entry) => {
    const [heads, ...rows] = rowsOf(entry);
    const top = element("tr");
    top.append(...heads.map((head) => element("th", head, { scope: "col" })));
    $("table").tHead.replaceChildren(top);
    $("table").tBodies[0].replaceChildren(...rows.map(([first, ...cells]) => {
      const row = element("tr");
      row.append(element("th", first, { scope: "row" }), ...cells.map((cell) => element("td", cell)));
      return row;
    }));
    $("table-name").textContent = `${data.targets[entry.target]}${data.entries.length > 1 ? ` · ${entry.name}` : ""}`;
  };

  const quoted = (cell) => (/[",\n\r]/.test(cell) ? `"${String(cell).replaceAll('"', '""')}"` : String(cell));

  /** All series of the page, in the columns that `--output forecast.csv` writes. */
  const csv = () => {
    const own = data.entries.filter((entry) => entry.keys);
    const of = new Map(own.map((entry) => [`${entry.target} ${entry.name}`, entry]));
    const heads = [...data.heads];
    for (const target of data.targets) {
      heads.push(target, ...(data.levels.length > 1 ? data.levels.map((level) => `${target}_q${level}`) : []));
    }
    const lines = [heads];
    for (const entry of own.filter((one) => one.target === 0)) {
      data.grids[entry.grid].written.forEach((time, h) => {
        const values = data.targets.flatMap((_, c) => {
          const { quantiles } = of.get(`${c} ${entry.name}`);
          return [quantiles[middle][h], ...(data.levels.length > 1 ? quantiles.map((values) => values[h]) : [])];
        });
        lines.push([...entry.keys, ...time, ...values]);
      });
    }
    return `${lines.map((line) => line.map(quoted).join(",")).join("\n")}\n`;
  };

  const say = (text) => {
    $("done").textContent = text;
    setTimeout(() => { $("done").textContent = ""; }, 4000);
  };

  const copy = async () => {
    const text = rowsOf(chosen).map((row) => row.map((cell) => cell.replaceAll(",", "")).join("\t")).join("\n");
    try {
      await navigator.clipboard.writeText(text);
      say("Copied.");
    } catch {
      // without that right, the browser's own copying of what is selected
      const range = document.createRange();
      range.selectNode($("table"));
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      say(document.execCommand("copy") ? "Copied." : "The table is selected: copy it with Ctrl-C.");
    }
  };

  const save = () => {
    const link = element("a", "", { download: "forecast.csv" });
    link.href = URL.createObjectURL(new Blob(["\ufeff", csv()], { type: "text/csv;charset=utf-8" }));
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    say("Saved.");
  };

  // ---------------------------------------------------------------- what if

  const nameOf = (k, entry) => {
    const { covariate, word } = data.alternatives[k], value = entry.other[k]?.[0];
    const number = value === null || value === undefined ? "" : String(value);
    return `${covariate} = ${number || word}${number && word ? ` (${word})` : ""}`;
  };

  const offer = (entry) => {
    if (!$("alternative")) return;
    const before = $("alternative").value;
    const options = entry.other.map((_, k) => element("option", nameOf(k, entry), { value: k }));
    $("alternative").replaceChildren(element("option", "as given", { value: "" }), ...options);
    $("alternative").value = entry.other[before] ? before : "";
    $("what-if").hidden = !entry.other.length;
  };

  const summary = (values, summed) => {
    const sum = values.reduce((a, b) => a + b, 0);
    return summed ? sum : sum / values.length;
  };

  const tell = (entry, other, k) => {
    if (!$("what-said")) return;
    $("what-said").textContent = "";
    if (!other) return;
    const write = Chart.writer(entry.digits), what = entry.summed ? "in all" : "on average";
    const [then, now] = [summary(other[1], entry.summed), summary(entry.quantiles[middle], entry.summed)];
    const share = now > 0 ? ` (${then >= now ? "+" : "−"}${Math.abs(100 * (then / now - 1)).toFixed(1)}\u00a0%)` : "";
    const given = `as given ${write(now)}${share}`;
    $("what-said").textContent = `With ${nameOf(k, entry)} in every step: ${write(then)} ${what}; ${given}.`;
  };

  // ---------------------------------------------------------------- choosing

  const showWhatIf = () => {
    const k = $("alternative")?.value ?? "";
    const other = k === "" ? null : chosen.other[k];
    draw(chosen, other);
    tell(chosen, other, k);
  };

  const show = (entry) => {
    chosen = entry;
    // what holds of all stands at the top
    $("said").textContent = data.entries.length > data.targets.length && entry.keys ? entry.said : "";
    fill(entry);
    offer(entry);
    showWhatIf();
    for (const button of document.querySelectorAll("[data-pick]")) {
      const own = data.entries.filter((one) => one.keys && one.target === Number(button.dataset.measure));
      button.closest("tr").classList.toggle("chosen", own[button.dataset.pick] === entry);
    }
  };

  const target = () => Number($("target")?.value ?? 0);
  const offered = () => data.entries.filter((entry) => entry.target === target());

  const list = () => {
    const found = offered(), kept = Math.max(found.findIndex((entry) => entry.name === chosen?.name), 0);
    $("series")?.replaceChildren(...found.map((entry, k) => element("option", entry.name, { value: k })));
    if ($("series")) $("series").selectedIndex = kept;
    show(found[kept]);
  };

  $("target")?.append(...data.targets.map((name, c) => element("option", name, { value: c })));
  $("target")?.addEventListener("change", list);
  $("series")?.addEventListener("change", () => show(offered()[$("series").selectedIndex]));
  $("alternative")?.addEventListener("change", showWhatIf);
  $("far").addEventListener("change", showWhatIf);
  $("copy").addEventListener("click", copy);
  $("csv").addEventListener("click", save);
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-pick]");
    if (!button) return;
    if ($("target")) $("target").value = button.dataset.measure;
    list();
    const found = offered().filter((entry) => entry.keys)[button.dataset.pick];
    $("series").selectedIndex = offered().indexOf(found);
    show(found);
    $("chart").scrollIntoView();
  });

  // what is folded away cannot be unfolded on paper
  let closed = [];
  addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("details.words:not([open])")];
    for (const one of closed) one.open = true;
  });
  addEventListener("afterprint", () => { for (const one of closed) one.open = false; });
  list();
  document.documentElement.dataset.drawn = String(data.entries.length);
})();
