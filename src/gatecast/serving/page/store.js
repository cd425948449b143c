// Models of the store and their series, as two lists that belong together.
import { ask } from "/page/api.js";
import { choice, h } from "/page/dom.js";

const MOST = 200; // series in a list; of more, the field beside it finds one by its name

/** Lists in a place; `chosen(model, series)` hears of choices. Gives fill(model, series): it reads the store anew. */
export const pickers = (place, prefix, chosen) => {
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

  const pickModel = async (name, wanted) => {
    model = models.find((one) => one.name === name) ?? models[0];
    const found = await ask(`/v1/series?model=${encodeURIComponent(model.name)}&limit=${MOST}`);
    series = wanted ?? found.series[0]?.series ?? null;
    place.replaceChildren(
      h(
        "label",
        {},
        "Model ",
        choice(
          models.map((one) => one.name),
          model.name,
          (event) => pickModel(event.target.value),
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

  return async (name, wanted) => {
    ({ models } = await ask("/v1/models"));
    if (models.length) await pickModel(name ?? model?.name, name ? wanted : series);
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

export const seriesPath = (model, series, tail) =>
  `/v1/series/${encodeURIComponent(series)}?model=${encodeURIComponent(model)}&tail=${tail}`;
