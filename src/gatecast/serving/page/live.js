// Models and what they follow: the newest forecast, what arrives, what is odd, and whether the errors drift.
import { Problem, ask, events } from "/page/api.js";
import { alarm, calmed, h, say, table } from "/page/dom.js";
import { digitsOf, fan } from "/page/fan.js";
import { section, seriesPath } from "/page/store.js";

const TAIL = 200,
  ODD = 0.01; // one row in a hundred is that odd while all is as usual
let stream = null,
  turn = 0;

/** Listen to a model until another one is chosen, also over a break. */
const listen = async (model, state, heard, signal) => {
  for (let wait = 1000; !signal.aborted; wait = Math.min(2 * wait, 15000)) {
    try {
      await events(
        `/v1/events?model=${encodeURIComponent(model)}`,
        (name, data) => {
          wait = 1000;
          if (name === "listening") state(true);
          if (name === "observed") heard(data);
        },
        signal,
      );
    } catch (problem) {
      if (signal.aborted) return;
      if (problem instanceof Problem && problem.status >= 400 && problem.status < 500)
        return state(false, problem.detail);
    }
    if (signal.aborted) return;
    state(false);
    await new Promise((done) => {
      setTimeout(done, wait);
    });
  }
};

const percent = (share) => (share === null ? "-" : `${Math.round(100 * share)} %`);

/** Drift in words and figures, by target. */
const driftOf = (drift) =>
  Object.entries(drift).map(([target, one]) => {
    const [look, words] = one.drifting
      ? ["worse", `Drifting: the newest errors are ${one.direction} than the model expects. Train it further.`]
      : one.p_value === null
        ? ["undecided", "Too few rows yet to speak of drift."]
        : ["better", "No drift: the newest errors are those that the model expects."];
    const several = Object.keys(drift).length > 1 ? `${target}: ` : "";
    return h(
      "div",
      { class: `verdict small ${look}` },
      h("p", { class: "lead" }, `${several}${words}`),
      one.rows === 0
        ? null
        : h(
            "p",
            {},
            `${one.rows} newest ${one.rows === 1 ? "row" : "rows"}`,
            ` · ${percent(one.inside_80)} inside the 80 % interval · ${percent(one.inside_95)} inside the 95 % one`,
            one.error === null ? "" : ` · mean error ${one.error.toPrecision(3)}`,
            one.p_value === null ? "" : ` · p = ${one.p_value.toPrecision(2)}`,
          ),
    );
  });

const oddOf = (scores) => scores.filter((one) => one.anomaly !== null && one.anomaly < ODD);

const latest = (scores, several) => {
  const digits = digitsOf(scores.flatMap((one) => [one.value, one.forecast])),
    write = (value) => (value === null ? "-" : value.toFixed(digits));
  const rows = scores
    .slice(-8)
    .reverse()
    .map((one) => {
      const odd = one.anomaly !== null && one.anomaly < ODD;
      const note = odd
        ? "odd"
        : one.inside_95 === false
          ? "outside 95 %"
          : one.inside_80 === false
            ? "outside 80 %"
            : one.inside_80 === null
              ? "-"
              : "as expected";
      return h(
        "tr",
        { class: odd ? "odd" : null },
        h("th", { scope: "row" }, String(one.time)),
        [
          ...(several ? [one.target] : []),
          write(one.value),
          write(one.forecast),
          note,
          one.anomaly === null ? "-" : one.anomaly.toPrecision(2),
        ].map((cell) => h("td", {}, cell)),
      );
    });
  return [
    h("h3", {}, "What arrived"),
    scores.length
      ? table("Newest rows", ["time", ...(several ? ["target"] : []), "value", "forecast", "how", "anomaly"], rows, {
          class: "arrived",
        })
      : h("p", { class: "caption" }, "Nothing since the model began to follow this series."),
  ];
};

const key = () =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

/** A form for the next row. */
const nextRow = (model, found, taken) => {
  const [row] = found.coming.rows;
  if (!row) return null;
  const named = found.coming.keys.map((name) => row[name]).join(" · "),
    wrong = h("div");
  const field = (name, value) =>
    h(
      "p",
      { class: "field" },
      h("label", { for: `next-${name}` }, name),
      h("input", { type: "number", step: "any", id: `next-${name}`, name, value: value ?? "", required: true }),
    );
  const select = (column) =>
    h(
      "p",
      { class: "field" },
      h("label", { for: `next-${column.name}` }, column.name),
      h(
        "select",
        { id: `next-${column.name}`, name: column.name },
        column.categories.map((one) => h("option", { value: one, selected: one === row[column.name] }, one)),
      ),
    );
  const submit = async (event) => {
    event.preventDefault();
    const sent = event.target,
      given = Object.fromEntries([...new FormData(sent)]);
    const numbers = new Set([
      ...model.targets,
      ...found.coming.columns.filter((one) => !one.categories).map((one) => one.name),
    ]);
    const cells = Object.entries(given).map(([name, text]) => [name, numbers.has(name) ? Number(text) : text]);
    const keys = Object.fromEntries(found.coming.keys.map((name) => [name, row[name]]));
    try {
      await ask("/v1/observe", {
        json: { model: model.name, rows: [{ ...keys, ...Object.fromEntries(cells) }] },
        headers: { "Idempotency-Key": key() },
      });
      say(`Taken: ${named}.`);
      for (const one of sent.elements) delete one.dataset.edited;
      taken();
    } catch (problem) {
      wrong.replaceChildren(alarm(problem));
    }
  };
  return h(
    "details",
    { id: "next-row" },
    h("summary", {}, "Put in the next row by hand"),
    h(
      "form",
      { onsubmit: submit, oninput: (event) => (event.target.dataset.edited = "yes") },
      h("p", { class: "caption" }, named),
      h(
        "div",
        { class: "fields" },
        model.targets.map((name) => field(name)),
        found.coming.columns.map((column) =>
          column.categories ? select(column) : field(column.name, row[column.name]),
        ),
      ),
      h("p", { class: "buttons" }, h("button", { type: "submit" }, "Observe")),
      wrong,
    ),
  );
};

/** The forecast as it is, or with the last known covariates where nothing is known of those to come. */
const ahead = async (model, series, found) => {
  if (found.forecast.length || !found.coming.rows.length) return [found.forecast, null];
  const made = await ask("/v1/forecast", { json: { model, series: [series], future: found.coming.rows } });
  return [made.forecast, "Not all covariates of the coming steps are known: the forecast repeats their last values."];
};

const watch = async (body, model, series) => {
  stream?.abort();
  const mine = (turn += 1);
  if (series === null)
    return body.replaceChildren(
      h("p", { class: "empty" }, "This model follows no series yet. Send its first rows by POST /v1/observe."),
    );
  stream = new AbortController();
  const plots = model.targets.map((target) => [target, h("div", { class: "live-plot" })]),
    charts = new Map(plots.map(([target, place]) => [target, fan(place)]));
  const state = h("span", { class: "state" }, "connecting"),
    heard = h("p", { "class": "finding", "id": "arrived", "aria-live": "polite" });
  const note = h("p", { class: "hint", hidden: true }),
    drift = h("div"),
    rows = h("div"),
    form = h("div");
  body.replaceChildren(
    h("p", { class: "stream" }, state, " ", heard),
    note,
    drift,
    ...plots.flatMap(([target, place]) => [plots.length > 1 ? h("h2", { class: "target" }, target) : "", place]),
    rows,
    form,
  );
  let seen = false;

  const show = async () => {
    const found = await ask(seriesPath(model.name, series, TAIL));
    const [forecast, told] = await ahead(model.name, series, found);
    if (mine !== turn) return;
    note.hidden = !told && !found.cold;
    note.textContent =
      told ?? (found.cold ? "The model has seen too little of this series: the forecast is its last value." : "");
    for (const [target, chart] of charts) {
      const scores = found.scores.filter((one) => one.target === target && one.value !== null),
        odd = oddOf(scores);
      chart.show(
        {
          label: `${series}, ${target}, live`,
          history: found.history.find((one) => one.target === target),
          forecast: forecast.find((one) => one.target === target) ?? null,
          more: [
            {
              name: "forecast one step ahead",
              look: "lastyear",
              time: scores.map((one) => one.time),
              value: scores.map((one) => one.forecast),
            },
            { name: "odd", look: "odd", time: odd.map((one) => one.time), value: odd.map((one) => one.value) },
          ],
        },
        seen,
      );
    }
    drift.replaceChildren(...driftOf(found.drift));
    rows.replaceChildren(...latest(found.scores, model.targets.length > 1));
    const open = form.querySelector("details")?.open ?? false,
      focused = document.activeElement?.id;
    // rows that arrive meanwhile must not take away what is being typed
    const edited = [...form.querySelectorAll("[data-edited]")].map((one) => [one.id, one.value]);
    form.replaceChildren(nextRow(model, found, again) ?? "");
    for (const [id, value] of edited) {
      const one = document.getElementById(id);
      if (one) Object.assign(one, { value }).dataset.edited = "yes";
    }
    if (open) form.querySelector("details").open = true;
    if (focused?.startsWith("next-")) document.getElementById(focused)?.focus();
    seen = true;
  };
  const again = calmed(() => show().catch((problem) => body.append(alarm(problem))), 120);

  await show();
  if (mine !== turn) return;
  listen(
    model.name,
    (open, why) => {
      state.textContent = open ? "live" : (why ?? "connecting again");
      state.classList.toggle("on", open);
      if (open) again();
    },
    (row) => {
      if (row.series !== series) return;
      const odd = row.anomaly !== null && row.anomaly < ODD ? ", which is odd" : "";
      const time = String(row.time).replace(/T00:00:00(\.0+)?$/, "").replace("T", " ");
      heard.textContent = `${time}: ${row.target} = ${row.value}${odd}`;
      again();
    },
    stream.signal,
  );
};

export const entered = section(
  "live",
  "What the models of this service follow. Rows come in by POST /v1/observe, or by hand below.",
  watch,
);

export const left = () => {
  turn += 1;
  stream?.abort();
};
