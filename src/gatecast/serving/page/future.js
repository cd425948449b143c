// Covariates over the horizon as a table to edit: a row a step, a field a cell, and a field for a whole column.
import { choice, h } from "/page/dom.js";

/**
 * Fill the place with the rows that come.
 *
 * coming: {keys, columns: [{name, categories}], rows, filled}, as the service tells it.
 * times: the keys that are the time. edited(rows) hears of changes.
 * Gives rows() as they stand, changed() whether they differ from what was known, and reset().
 */
export const futureTable = (place, coming, times, edited) => {
  const first = coming.rows.map((row) => ({ ...row })),
    rows = coming.rows.map((row) => ({ ...row }));
  const filled = new Set(coming.filled.map(([k, name]) => `${k} ${name}`));
  const others = coming.keys.filter((key) => !times.includes(key));
  const nameOf = (row) => others.map((key) => row[key]).join(" · ");
  const series = [...new Set(rows.map(nameOf))];
  const fields = new Map(),
    note = h("p", { class: "caption", id: "future-note" });
  let chosen = series[0],
    touched = false,
    together = series.length > 1;

  const tell = () => {
    note.textContent = filled.size
      ? "The table says nothing about the marked cells: they repeat the last known value. Put in what you know."
      : "These values are those of the table. Change what you expect to be otherwise.";
  };

  /** The rows that a change of row k changes too: those of the same time in the other series. */
  const alike = (k) => {
    const when = (row) => times.map((key) => row[key]).join(" ");
    return together
      ? rows
          .map((row, n) => [when(row), n])
          .filter(([time]) => time === when(rows[k]))
          .map(([, n]) => n)
      : [k];
  };

  const set = (k, column, text) => {
    const value = column.categories ? text : text === "" ? null : Number(text);
    for (const n of alike(k)) {
      rows[n][column.name] = value;
      filled.delete(`${n} ${column.name}`);
    }
    touched = true;
  };

  const show = () => {
    for (const [id, { control, k, column }] of fields) {
      if (document.activeElement !== control) control.value = rows[k][column.name] ?? "";
      control.classList.toggle("filled", filled.has(id));
    }
    tell();
  };

  const heard = (k, column) => (event) => {
    set(k, column, event.target.value);
    show();
    edited(rows);
  };

  const input = (column, value, oninput, label) =>
    column.categories
      ? choice(column.categories, value, oninput, { "aria-label": label })
      : h("input", {
          "type": "number",
          "step": "any",
          "value": value ?? "",
          "required": true,
          oninput,
          "aria-label": label,
        });

  const down = (event) => {
    const to = { ArrowDown: 1, Enter: 1, ArrowUp: -1 }[event.key];
    if (!to || event.target.tagName === "SELECT") return;
    event.preventDefault(); // it would count the number up and down, or send the form
    const cell = event.target.closest("td"),
      row = event.target.closest("tr");
    (to > 0 ? row.nextElementSibling : row.previousElementSibling)?.children[cell.cellIndex]
      ?.querySelector("input")
      ?.focus();
  };

  const whole = (column) => {
    const own = () =>
      rows
        .map((row, k) => [row, k])
        .filter(([row]) => nameOf(row) === chosen)
        .map(([, k]) => k);
    const all = (event) => {
      if (event.target.value === "") return;
      for (const k of own()) set(k, column, event.target.value);
      show();
      edited(rows);
    };
    const label = `All steps: ${column.name}`;
    return column.categories
      ? choice([["", "..."], ...column.categories], "", all, { "aria-label": label })
      : h("input", { "type": "number", "step": "any", "placeholder": "...", "oninput": all, "aria-label": label });
  };

  const body = h("tbody", { onkeydown: down });
  const fill = () => {
    fields.clear();
    const own = rows.map((row, k) => [row, k]).filter(([row]) => nameOf(row) === chosen);
    body.replaceChildren(
      h(
        "tr",
        { class: "whole" },
        h("th", { scope: "row" }, "all steps"),
        coming.columns.map((column) => h("td", {}, whole(column))),
      ),
      ...own.map(([row, k]) => {
        const when = times.map((key) => row[key]).join(" ");
        return h(
          "tr",
          {},
          h("th", { scope: "row" }, when),
          coming.columns.map((column) => {
            const control = input(column, row[column.name], heard(k, column), `${column.name}, ${when}`);
            fields.set(`${k} ${column.name}`, { control, k, column });
            return h("td", {}, control);
          }),
        );
      }),
    );
    show();
  };

  const picker =
    series.length < 2
      ? null
      : h(
          "p",
          { class: "picker" },
          h(
            "label",
            {},
            "Series ",
            choice(series, chosen, (event) => {
              chosen = event.target.value;
              fill();
            }),
          ),
          h(
            "label",
            {},
            h("input", {
              type: "checkbox",
              checked: true,
              onchange: (event) => {
                together = event.target.checked;
              },
            }),
            " Change all series alike",
          ),
        );
  place.replaceChildren(
    h("h3", {}, "Known ahead"),
    note,
    picker ?? "",
    h(
      "div",
      { "class": "scroll tall", "tabindex": 0, "role": "region", "aria-labelledby": "future-note" },
      h(
        "table",
        { "class": "future", "aria-label": "Covariates over the horizon" },
        h(
          "thead",
          {},
          h(
            "tr",
            {},
            [times.join(" "), ...coming.columns.map((column) => column.name)].map((head) =>
              h("th", { scope: "col" }, head),
            ),
          ),
        ),
        body,
      ),
    ),
  );
  if (rows.length) fill();
  else
    place.replaceChildren(
      h("h3", {}, "Known ahead"),
      h("p", {}, "There are too many rows for a form: put them into the table, without a target."),
    );

  return {
    rows: () => rows,
    touched: () => touched,
    /** Take over what was changed in another such table, where the rows are the same. */
    carry: (other) => {
      if (!other?.touched()) return;
      const keyOf = (row) => JSON.stringify(coming.keys.map((key) => row[key]));
      const known = new Map(other.rows().map((row) => [keyOf(row), row]));
      rows.forEach((row, k) => {
        const same = known.get(keyOf(row));
        for (const { name } of same ? coming.columns : []) {
          if (row[name] !== same[name]) filled.delete(`${k} ${name}`);
          row[name] = same[name];
        }
      });
      touched = true;
      fill();
    },
    changed: () => rows.length > 0 && (touched || coming.filled.length > 0),
    reset: () => {
      first.forEach((row, k) => Object.assign(rows[k], row));
      for (const [k, name] of coming.filled) filled.add(`${k} ${name}`);
      touched = false;
      fill();
    },
    /** Multiply a column of numbers by a share, from where it was at first. */
    scale: (name, share) => {
      first.forEach((row, k) => {
        if (row[name] !== null) rows[k][name] = Number((row[name] * share).toPrecision(6));
      });
      touched = true;
      show();
      edited(rows);
    },
  };
};
