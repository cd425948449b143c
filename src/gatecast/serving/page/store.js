// Models of the store and their series, as two lists that belong together.
import { ask } from "/page/api.js";
import { alarm, choice, h, say } from "/page/dom.js";

const MOST = 200; // series in a list; of more, the field beside it finds one by its name

/**
 * Lists in a place; `chosen(model, series)` hears of choices. Models of which `wanted` is true are offered first.
 * Gives fill(model, series), which reads the store anew.
 */
const pickers = (place, prefix, chosen, wanted = () => true) => {
  let models = [],
    model = null,
    series = null;

  const seriesField = (found) => {
    if (found.total <= MOST) {
      return choice(
        found.series.map((one) => one.series),
        series,
        (event) => pick(event.target.value),
        { id: `${prefix}-series` },
      );
    }
    const list = h(
      "datalist",
      { id: `${prefix}-names` },
      found.series.map((one) => h("option", { value: one.series })),
    );
    return [
      h("input", {
        id: `${prefix}-series`,
        list: `${prefix}-names`,
        value: series,
        onchange: (event) => pick(event.target.value),
      }),
      list,
    ];
  };

  const pick = (name) => {
    series = name;
    chosen(model, series);
  };

  const pickModel = async (name, before) => {
    const there = models.find((one) => one.name === name);
    if (name && !there) say(`There is no model ${name}.`);
    model = there ?? models.find(wanted) ?? models[0];
    const found = await ask(`/v1/series?model=${encodeURIComponent(model.name)}&limit=${MOST}`);
    series = (there && before) ?? found.series[0]?.series ?? null;
    place.replaceChildren(
      h(
        "label",
        {},
        "Model ",
        choice(
          models.map((one) => one.name),
          model.name,
          (event) => pickModel(event.target.value).catch((problem) => place.append(alarm(problem))),
          { id: `${prefix}-model` },
        ),
      ),
      found.series.length
        ? h(
            "label",
            {},
            `Series${found.total > MOST ? ` (${found.total.toLocaleString("en")})` : ""} `,
            seriesField(found),
          )
        : "",
    );
    chosen(model, series);
  };

  return async (name, named) => {
    ({ models } = await ask("/v1/models"));
    if (models.length) await pickModel(name ?? model?.name, name ? named : series);
    else
      place.replaceChildren(
        h(
          "p",
          { class: "empty" },
          "There is no model yet. ",
          h("a", { href: "#forecast" }, "Forecast a table"),
          " and keep its model, or start the service with one: ",
          h("code", {}, "gatecast serve MODEL"),
          ".",
        ),
      );
    return models.length > 0;
  };
};

/**
 * A section of the page on one model and series at a time: lists to choose by, and a body that
 * `shown(body, model, series)` fills. Gives what is done when a person enters it.
 */
export const section = (prefix, about, shown, wanted) => {
  let fill = null;
  const begin = (place) => {
    const lists = h("div", { class: "picker" }),
      body = h("div");
    place.append(h("p", { class: "about" }, about), lists, body);
    return pickers(
      lists,
      prefix,
      (model, series) => shown(body, model, series).catch((problem) => body.replaceChildren(alarm(problem))),
      wanted,
    );
  };
  return async (place, model, series) => {
    fill ??= begin(place);
    await fill(model, series);
  };
};

export const seriesPath = (model, series, tail) =>
  `/v1/series/${encodeURIComponent(series)}?model=${encodeURIComponent(model)}&tail=${tail}`;
