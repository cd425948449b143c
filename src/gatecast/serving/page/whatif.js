// A model of the store with its covariates ahead: change one, and the forecast moves.
import { ask } from "/page/api.js";
import { alarm, button, calmed, h } from "/page/dom.js";
import { digitsOf, fan } from "/page/fan.js";
import { futureTable } from "/page/future.js";
import { section, seriesPath } from "/page/store.js";

const TAIL = 400;
let turn = 0;

const forecast = async (model, series, rows) => {
  const made = await ask("/v1/forecast", { json: { model, series: [series], future: rows } });
  return made.forecast;
};

const sum = (values) => values.reduce((a, b) => a + b, 0);

/** The change in words: the sum over the horizon, or the mean of what is no amount. */
const words = (now, then) => {
  const amount = [...now, ...then].every((value) => value >= 0),
    count = amount ? 1 : now.length;
  const [a, b] = [sum(now) / count, sum(then) / count],
    digits = digitsOf([a, b]);
  const write = (value) => value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  const share = a > 0 ? ` (${b >= a ? "+" : "−"}${Math.abs(100 * (b / a - 1)).toFixed(1)}\u00a0%)` : "";
  return `${write(b)} ${amount ? "in all" : "on average"}${share}; before the change ${write(a)}.`;
};

const sliders = (future, coming) =>
  coming.columns
    .filter((column) => !column.categories)
    .map((column) => {
      const said = h("output", {}, "as given"),
        slider = h("input", {
          "type": "range",
          "min": -50,
          "max": 50,
          "step": 5,
          "value": 0,
          "aria-label": `All steps of ${column.name}, in percent`,
        });
      slider.addEventListener("input", () => {
        said.textContent = Number(slider.value)
          ? `${slider.value > 0 ? "+" : "−"}${Math.abs(slider.value)} %`
          : "as given";
        future.scale(column.name, 1 + slider.value / 100);
      });
      return h("label", { class: "slider" }, h("span", {}, column.name), slider, said);
    });

const show = async (body, model, series) => {
  const mine = (turn += 1);
  if (series === null) return body.replaceChildren(h("p", { class: "empty" }, "This model follows no series yet."));
  const found = await ask(seriesPath(model.name, series, TAIL)),
    { coming } = found;
  if (mine !== turn) return;
  if (!coming.columns.length) {
    return body.replaceChildren(
      h(
        "p",
        { class: "empty" },
        `${model.name} knows no covariate ahead, so there is nothing to change. `,
        "Forecast a table with a column of the role “covariate, known ahead”.",
      ),
    );
  }
  if (!coming.rows.length)
    return body.replaceChildren(h("p", { class: "empty" }, "The horizon is too long for a form."));
  const target = found.history[0].target,
    history = found.history[0],
    now = (await forecast(model.name, series, coming.rows))[0];
  if (mine !== turn) return;
  const plot = h("div"),
    said = h(
      "p",
      { "class": "finding", "id": "what-said", "aria-live": "polite" },
      "Change a value to see the forecast move.",
    );
  const wrong = h("div"),
    form = h("div", { class: "what-form" }),
    drawn = fan(plot);
  const draw = (other, keep) =>
    drawn.show(
      {
        label: `${series}, ${target}: what if`,
        history,
        forecast: now,
        more: other ? [{ name: "what if", look: "other", time: other.time, value: other.forecast, joined: true }] : [],
      },
      keep,
    );
  let asked = 0;
  const edited = calmed(async (rows) => {
    const own = (asked += 1);
    try {
      const other = (await forecast(model.name, series, rows))[0];
      if (own !== asked || mine !== turn) return;
      wrong.replaceChildren();
      draw(other, true);
      said.textContent = `With your changes: ${words(now.forecast, other.forecast)}`;
    } catch (problem) {
      if (own === asked) wrong.replaceChildren(alarm(problem));
    }
  }, 40);
  const columns = new Set(coming.columns.map((column) => column.name));
  const times = coming.keys.filter((key) => new Set(coming.rows.map((row) => row[key])).size > 1 && !columns.has(key));
  const future = futureTable(form, coming, times.length ? times : coming.keys.slice(-1), edited);
  const reset = button("As it was", () => {
    future.reset();
    for (const slider of body.querySelectorAll("input[type=range]")) {
      slider.value = 0;
      slider.nextElementSibling.textContent = "as given";
    }
    draw(null, true);
    said.textContent = "As it was.";
  });
  const untrained = model.about.settings?.preset === "instant";
  body.replaceChildren(
    untrained
      ? h(
          "p",
          { class: "hint" },
          "This model was made by the instant preset, which reads no covariates: its forecast stays. Train one.",
        )
      : "",
    h(
      "div",
      { class: "beside" },
      h("div", {}, plot, said, wrong),
      h("div", {}, h("div", { class: "sliders" }, sliders(future, coming)), form, h("p", { class: "buttons" }, reset)),
    ),
  );
  draw(null, false);
};

export const entered = section(
  "what-if",
  "What a model makes of another price, another promotion: change what is known ahead, and the forecast moves. " +
    "It learned what went together in the past; that is no proof that changing the one changes the other.",
  show,
  (model) => model.about.future?.length > 0,
);
