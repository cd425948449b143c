// What came of a job: the verdict, the fan, scores beside the naive forecasts, files, the same as a command.
import { save } from "/page/api.js";
import { sourceOf } from "/page/ask.js";
import { $, alarm, button, choice, code, h, saveText, table } from "/page/dom.js";
import { digitsOf, fan, intervals } from "/page/fan.js";

const OUTCOMES = {
  better: ["better", "Better than the simple forecasts"],
  undecided: ["undecided", "Not clearly better than the simple forecasts"],
  worse: ["worse", "No better than the simple forecasts"],
};
const METRICS = [
  ["mase", "MASE", 2],
  ["smape", "sMAPE", 1],
  ["mae", "MAE", null],
  ["rmse", "RMSE", null],
];
const LONG = 24; // steps; a longer table is folded
const FILES = {
  "forecast.csv": "CSV",
  "forecast.xlsx": "Excel",
  "forecast.png": "PNG",
  "report.html": "Report page",
  "model.gatecast": "Model",
  "forecast.parquet": "Parquet",
};

const verdictOf = (result) => {
  const { outcome, text, gain } = result.verdict;
  const [look, words] = OUTCOMES[outcome] ?? OUTCOMES.undecided;
  const held = result.evaluation !== null && gain !== undefined;
  return h(
    "div",
    { class: `verdict ${look}`, id: "verdict" },
    h("p", { class: "lead" }, held || outcome !== "undecided" ? words : "No verdict"),
    h("p", {}, text.replace(/^No verdict: (.)/, (_, first) => first.toUpperCase())),
  );
};

/** The scores of all methods: the model first, then the naive forecasts. */
const scoresOf = (evaluation, model) => {
  if (!evaluation) return null;
  const names = Object.keys(evaluation.scores),
    own = model?.members === 0 ? "pretrained gate" : "LSTM";
  const shown = METRICS.filter(([metric]) => names.some((name) => Number.isFinite(evaluation.scores[name][metric])));
  const covers = Object.keys(evaluation.scores.lstm ?? {}).filter((metric) => metric.startsWith("coverage_"));
  const heads = ["method", ...shown.map(([, title]) => title), ...covers.map((one) => `${one.slice(9)}\u00a0% covers`)];
  const rows = names.map((name) => {
    const scores = evaluation.scores[name];
    const cells = shown.map(([metric, , digits]) => {
      const write = (value) =>
        Number.isFinite(value)
          ? value.toFixed(digits ?? digitsOf(names.map((one) => evaluation.scores[one][metric] ?? null)))
          : "-";
      return write(scores[metric]);
    });
    const shares = covers.map((one) =>
      Number.isFinite(scores[one]) ? `${Math.round(100 * scores[one])}\u00a0%` : "-",
    );
    const title = name === "lstm" ? own : name.replaceAll("_", " ");
    return h(
      "tr",
      { class: name === "lstm" ? "model" : null },
      h("th", { scope: "row" }, title),
      [...cells, ...shares].map((cell) => h("td", {}, cell)),
    );
  });
  const origins = evaluation.origins === 1 ? "1 held-out origin" : `${evaluation.origins} held-out origins`;
  return [
    h("h3", {}, "How good such forecasts were"),
    h(
      "p",
      { class: "caption" },
      `Errors over ${origins} of ${evaluation.horizon} steps, which the training did not see; smaller is better.`,
    ),
    table("Scores", heads, rows, { class: "scores" }),
  ];
};

const filesOf = (job) =>
  job.artifacts.length
    ? h(
        "p",
        { class: "buttons", id: "files" },
        h("span", {}, "Save as"),
        Object.entries(FILES)
          .map(([name, title]) => [job.artifacts.find((one) => one.name === name), title])
          .filter(([one]) => one)
          .map(([one, title]) =>
            button(title, (event) => {
              event.target.disabled = true;
              save(one.href, `${stemOf(job)}-${one.name}`)
                .catch((problem) => $("files").after(alarm(problem)))
                .finally(() => {
                  event.target.disabled = false;
                });
            }),
          ),
      )
    : null;

const stemOf = (job) =>
  String(sourceOf(job) ?? job.kind)
    .replace(/\.\w+$/, "")
    .replace(/[^\w.-]+/g, "-") || job.kind;

/** The numbers of one series, with its intervals. */
const numbersOf = (one) => {
  const digits = digitsOf(one.forecast),
    write = (value) =>
      value === null
        ? "-"
        : value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  const pairs = intervals(one.quantiles).reverse();
  const heads = [
    "time",
    "forecast",
    ...pairs.flatMap(([, , name]) => [name.replace("interval", "low"), name.replace("interval", "high")]),
  ];
  const rows = one.time.map((time, k) => [
    String(time),
    write(one.forecast[k]),
    ...pairs.flatMap(([low, high]) => [write(one.quantiles[low][k]), write(one.quantiles[high][k])]),
  ]);
  return table("The numbers", heads, rows, { id: "numbers" });
};

const nameOf = (series) => (Array.isArray(series) ? series.join(" · ") : String(series));

/** Chart and numbers of the series that is chosen. */
const chartOf = (result) => {
  const names = [...new Set(result.forecast.map((one) => nameOf(one.series)))],
    targets = [...new Set(result.forecast.map((one) => one.target))];
  const state = { series: names[0], target: targets[0], past: false };
  const plot = h("div"),
    numbers = h("div"),
    find = (list) => list?.find((one) => nameOf(one.series) === state.series && one.target === state.target);
  const drawn = fan(plot);
  const show = (keep) => {
    const ahead = find(result.forecast),
      held = find(result.held_out),
      seen = find(result.observed) ?? { time: [], value: [] };
    const one = state.past && held ? held : ahead;
    const what = state.past ? "held-out forecast and what came" : "history and forecast";
    const title = `${state.series}, ${state.target}: ${what}`;
    drawn.show({ label: title, history: seen, forecast: one }, keep);
    numbers.replaceChildren(
      h("details", { open: one.time.length <= LONG }, h("summary", {}, "The numbers"), numbersOf(one)),
    );
  };
  const pick = (key) => (event) => {
    state[key] = event.target.value;
    show(false);
  };
  const lists = [
    names.length > 1
      ? h("label", {}, "Series ", choice(names, names[0], pick("series"), { id: "result-series" }))
      : null,
    targets.length > 1
      ? h("label", {}, "Target ", choice(targets, targets[0], pick("target"), { id: "result-target" }))
      : null,
    result.held_out?.length
      ? h(
          "label",
          {},
          "Show ",
          choice(
            [
              ["", "what is to come"],
              ["past", "the last held-out forecast beside what came"],
            ],
            "",
            (event) => {
              state.past = event.target.value === "past";
              show(false);
            },
            { id: "compare" },
          ),
        )
      : null,
  ].filter(Boolean);
  return { above: [lists.length ? h("div", { class: "picker" }, lists) : null, plot], numbers, show };
};

const notesOf = (result) => {
  const said = [];
  if (result.late?.length)
    said.push(`Ends before the newest series, and is forecast from there: ${result.late.join(", ")}.`);
  if (result.guarded?.length)
    said.push(`An implausible forecast of a trained network was replaced in: ${result.guarded.join(", ")}.`);
  if (result.bounded?.length) said.push(`Moved into the range of the data: ${result.bounded.join(", ")}.`);
  return said.length
    ? h(
        "ul",
        {},
        said.map((one) => h("li", {}, one)),
      )
    : null;
};

const keptOf = (job) => {
  const name = job.request.name ?? job.request.model;
  if (!name) return null;
  return h(
    "p",
    { class: "kept" },
    "The model is kept as ",
    h("b", {}, name),
    ": ",
    h("a", { href: `#what-if/${encodeURIComponent(name)}` }, "try what-if"),
    " or ",
    h("a", { href: `#live/${encodeURIComponent(name)}` }, "follow it live"),
    ".",
  );
};

const quoted = (cell) => (/[",\n\r]/.test(cell) ? `"${String(cell).replaceAll('"', '""')}"` : String(cell ?? ""));

/** The job as a command and as Python; what was put in on this page becomes a file that they name. */
const sameOf = (job) => {
  const { command, python } = job.result,
    { future } = job.request,
    parts = [h("h3", {}, "The same without this page")];
  if (!Array.isArray(future)) return [...parts, code("command", command), code("Python", python)];
  const heads = Object.keys(future[0]),
    lines = [heads, ...future.map((row) => heads.map((name) => row[name]))];
  const text = `${lines.map((cells) => cells.map(quoted).join(",")).join("\n")}\n`;
  return [
    ...parts,
    h(
      "p",
      { class: "buttons" },
      h("span", {}, "With the covariates that were put in here:"),
      button("Save future.csv", () => saveText(text, "future.csv")),
    ),
    code("command", `${command} --future future.csv`),
    code("Python", python.replace("gc.forecast(panel", "gc.forecast(panel, future='future.csv'")),
  ];
};

/** Show a job that has ended in a place with a heading. */
export const showResult = (place, job) => {
  const heading = place.querySelector("h2"),
    { result } = job;
  place.dataset.job = job.id;
  const chart = result?.forecast ? chartOf(result) : null;
  place.replaceChildren(
    ...[
      heading,
      h("p", { class: "about" }, [sourceOf(job), result?.data?.description].filter(Boolean).join(" · ")),
      job.problem ? alarm(job.problem) : null,
      !result && !job.problem ? h("p", {}, `This job is ${job.state}.`) : null,
      result?.verdict ? verdictOf(result) : null,
      ...(chart?.above ?? []),
      filesOf(job),
      keptOf(job),
      chart?.numbers,
      result ? notesOf(result) : null,
      ...(scoresOf(result?.evaluation, result?.model) ?? []),
      result?.command ? sameOf(job) : null,
      result?.model
        ? h(
            "p",
            { class: "caption" },
            `Made by: ${result.model.chosen}, in ${result.model.train_seconds.toFixed(1)} s.`,
          )
        : null,
    ]
      .flat()
      .filter(Boolean),
  );
  chart?.show(false);
};
