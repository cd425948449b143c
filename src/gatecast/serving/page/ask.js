// What to forecast: horizon, preset, covariates that are known ahead; then the job and its progress.
import { Problem, ask, events, formOf } from "/page/api.js";
import { alarm, button, calmed, choice, h, say } from "/page/dom.js";
import { futureTable } from "/page/future.js";

const ENDED = ["done", "failed", "cancelled"];
const PRESETS = [
  ["instant", "Instant: nothing is trained"],
  ["fast", "Fast: one kind of LSTM"],
  ["standard", "Standard: LSTMs that suit the data"],
  ["best", "Best: twice as many"],
];
const LIMITS = [
  ["60", "1 minute"],
  ["300", "5 minutes"],
  ["1200", "20 minutes"],
  ["", "no limit"],
];

/** "Sales 2024.csv" -> "Sales-2024", and a number behind it where a model has that name. */
const freeName = (file, taken) => {
  const stem = file
    .replace(/(\.\w{1,7})+$/, "")
    .normalize("NFKD")
    .replace(/[^A-Za-z0-9._-]+/g, "-")
    .replace(/^[^A-Za-z0-9]+/, "");
  const base = stem.slice(0, 50) || "table";
  for (let n = 1; ; n += 1) {
    const name = n === 1 ? base : `${base}-${n}`;
    if (!taken.has(name)) return name;
  }
};

/** "units · 2 series · 164 days, 2024-01-01 to 2024-06-12" -> "days" */
const unitOf = (look) => / \d[\d,]* ([a-z][\w ]*),/.exec(look.read)?.[1] ?? "steps";

/** Follow a job until it has ended, also over a break of the stream. */
export const follow = async (id, heard, signal) => {
  for (let wait = 500; ; wait = Math.min(wait * 2, 8000)) {
    try {
      await events(`/v1/jobs/${id}/events`, heard, signal);
    } catch (problem) {
      if (!(problem instanceof Problem) || (problem.status && problem.status < 500)) throw problem;
    }
    const job = await ask(`/v1/jobs/${id}`, { signal }).catch((problem) => {
      if (problem.status === 0) return null; // it may come back
      throw problem;
    });
    if (job && ENDED.includes(job.state)) return job;
    await new Promise((done) => {
      setTimeout(done, wait);
    });
  }
};

/** The table that a job is about: a file, or a database. */
export const sourceOf = (job) => job.request.file ?? job.request.database;

export const stageText = ({ stage, done, of, figures }) => {
  const count = of ? ` ${done} of ${of}` : done ? ` ${done}` : "";
  const numbers = Object.entries(figures ?? {}).map(([name, value]) => `${name} ${Number(value).toPrecision(3)}`);
  return [`${stage ?? ""}${count}`, ...numbers].join(" · ");
};

/** Fill the place; `show(table)` takes a table that was read. */
export const asking = (place, { started, ended }) => {
  const body = h("div");
  let table = null,
    future = null,
    running = null,
    coming = null,
    horizon = null;
  place.append(body);

  const control = (id) => body.querySelector(`#${id}`);
  const value = (id) => control(id)?.value ?? "";

  const request = () => {
    const instant = value("preset") === "instant",
      limit = value("limit");
    const settings = { preset: value("preset"), ...(instant || !limit ? {} : { time_limit: Number(limit) }) };
    const rows = future?.changed() ? future.rows() : undefined;
    return {
      kind: "forecast",
      read: table.read,
      horizon: Number(value("horizon")),
      settings,
      ...(rows ? { future: rows } : {}),
      ...(control("keep").checked ? { name: value("name") } : {}),
    };
  };

  /** The rows to come change with the horizon. */
  const lookAhead = calmed(async () => {
    const steps = Number(value("horizon"));
    if (!Number.isInteger(steps) || steps < 1 || !table?.look.future_needed.length) return;
    const mine = table;
    try {
      const found = await ask("/v1/look", { form: formOf(mine.file, { read: mine.read, horizon: steps }) });
      if (mine !== table || Number(value("horizon")) !== steps) return;
      coming = found.coming;
      horizon = steps;
      showFuture();
    } catch (problem) {
      control("future").replaceChildren(alarm(problem));
    }
  }, 350);

  const showFuture = () => {
    const times = table.look.data.columns.filter((column) => column.role === "time").map((column) => column.name);
    const before = future;
    future = futureTable(control("future"), coming, times, () => {});
    future.carry(before);
  };

  const progress = (job) => {
    const bar = h("progress", { "aria-label": "Progress" }),
      stage = h("p", { class: "stage", role: "status" }, "Waiting in the queue ...");
    const clock = h("span", { "class": "clock", "aria-hidden": "true" });
    const begun = Date.now();
    const tick = setInterval(() => {
      clock.textContent = `${Math.round((Date.now() - begun) / 1000)} s`;
    }, 500);
    control("progress").replaceChildren(
      h(
        "div",
        { class: "progress" },
        stage,
        bar,
        clock,
        button("Cancel", async () => {
          await ask(`/v1/jobs/${job.id}`, { method: "DELETE" });
          say("Cancelled.");
        }),
      ),
    );
    const heard = (name, data) => {
      if (name === "started") stage.textContent = "Reading, choosing, holding out ...";
      if (name !== "progress") return;
      stage.textContent = stageText(data);
      if (data.of) Object.assign(bar, { max: data.of, value: data.done });
      else bar.removeAttribute("value");
    };
    return { heard, end: () => clearInterval(tick) };
  };

  const start = async () => {
    if (running || !body.querySelector("form").reportValidity()) return;
    if (table.look.future_needed.length && horizon !== Number(value("horizon")))
      return say("One moment: the rows to come are being made.");
    started();
    control("start").disabled = true;
    running = new AbortController();
    let shown = null;
    try {
      const job = await ask("/v1/jobs", { form: formOf(table.file, { request: request() }) });
      shown = progress(job);
      const made = await follow(job.id, shown.heard, running.signal);
      control("progress").replaceChildren();
      if (made.state === "done") {
        say("The forecast is there.", false);
        ended(made);
      } else if (made.state === "failed") control("progress").replaceChildren(alarm(made.problem));
      else control("progress").replaceChildren(h("p", {}, "Cancelled."));
      offerName();
    } catch (problem) {
      if (problem.name !== "AbortError") control("progress")?.replaceChildren(alarm(problem));
    } finally {
      shown?.end();
      running = null;
      if (control("start")) control("start").disabled = false;
    }
  };

  const offerName = async () => {
    const { models } = await ask("/v1/models");
    control("name").value = freeName(table.file.name, new Set(models.map((model) => model.name)));
  };

  const field = (id, label, input, more) =>
    h("p", { class: "field" }, h("label", { for: id }, label), input, more ? h("small", {}, more) : null);

  const form = (look) => {
    const knowsAhead = look.future_needed.length > 0;
    const limit = field("limit", "At most", choice(LIMITS, "300", null, { id: "limit" }), "of training");
    const preset = choice(
      PRESETS,
      knowsAhead ? "standard" : "instant",
      (event) => {
        limit.hidden = event.target.value === "instant";
      },
      { id: "preset" },
    );
    limit.hidden = !knowsAhead;
    const name = h("input", {
      "id": "name",
      "required": true,
      "maxlength": 64,
      "pattern": "[A-Za-z0-9][A-Za-z0-9._\\-]*",
      "aria-label": "Name of the model",
    });
    const keep = h("input", {
      type: "checkbox",
      id: "keep",
      checked: true,
      onchange: () => {
        name.disabled = !keep.checked;
      },
    });
    return h(
      "form",
      {
        onsubmit: (event) => {
          event.preventDefault();
          start();
        },
      },
      h(
        "div",
        { class: "fields" },
        field(
          "horizon",
          "Horizon",
          h("input", {
            type: "number",
            id: "horizon",
            min: 1,
            max: 100000,
            required: true,
            value: look.horizon,
            oninput: lookAhead,
          }),
          `${unitOf(look)} ahead`,
        ),
        field("preset", "Way", preset, knowsAhead ? "only trained networks read covariates" : "seconds, or minutes"),
        limit,
        h(
          "p",
          { class: "field" },
          h("label", { for: "keep" }, keep, " Keep the model, as"),
          name,
          h("small", {}, "for What-if and Live"),
        ),
      ),
      h("div", { id: "future" }),
      h("p", { class: "buttons" }, h("button", { type: "submit", class: "main", id: "start" }, "Forecast")),
      h("div", { id: "progress" }),
    );
  };

  const show = (next) => {
    if (running) running.abort();
    table = next;
    if (!table?.look?.data) return body.replaceChildren();
    ({ coming, horizon } = table.look);
    future = null;
    body.replaceChildren(form(table.look));
    if (table.look.future_needed.length && coming) showFuture();
    offerName().catch(() => {});
  };
  return { show };
};
