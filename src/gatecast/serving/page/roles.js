// How a table is read: the role of each column, and what else `gatecast.read` can be told.
import { choice, fold, h, table } from "/page/dom.js";

export const ROLES = {
  "": "not used",
  "series": "name of the series",
  "time": "time",
  "target": "target: forecast it",
  "past": "covariate, known until today",
  "future": "covariate, known ahead",
  "static": "constant of the series",
};
const MANY = 12; // columns; a longer table scrolls in its box
const FOUND = "a series"; // each column of a wide table is one
const MAY_BE = "target?"; // one of several

/** The columns with a list of roles for each; `picked(name, role)` hears of a choice. */
export const columnsTable = (look, chosen, picked) => {
  const rows = look.columns.map((column, k) => {
    const role = chosen[column.name] ?? column.role;
    const options = Object.entries(ROLES);
    if (role === FOUND) options.unshift([FOUND, "a series of its own"]);
    if (role === MAY_BE) options.unshift([MAY_BE, "not chosen: perhaps the target"]);
    if (!look.data && role === "") options[0] = ["", "not chosen"];
    const list = choice(options, role, (event) => picked(column.name, event.target.value), {
      "id": `role-${k}`,
      "aria-label": `Role of ${column.name}`,
    });
    const missing = column.missing ? `, ${column.missing.toLocaleString("en")} missing` : "";
    return [column.name, list, `${column.holds}${missing}`, column.examples.join(", ")];
  });
  const made = table("Columns and their roles", ["column", "role", "holds", "such as"], rows, { class: "columns" });
  made.classList.toggle("tall", rows.length > MANY);
  return made;
};

// [name, label, values or kind, explanation]
const OPTIONS = [
  ["frequency", "Frequency", "text", "D, h, 15min, W, MS ... found by itself"],
  [
    "gaps",
    "Missing rows",
    [
      ["", "tell me"],
      ["missing", "leave missing"],
      ["zero", "are zero"],
    ],
    "times without a row",
  ],
  [
    "resample",
    "Resample by",
    [["", "no"], "mean", "sum", "median", "min", "max", "first", "last"],
    "several rows in one step",
  ],
  [
    "wide",
    "Each column is a series",
    [
      ["", "found by itself"],
      ["true", "yes"],
      ["false", "no"],
    ],
    "",
  ],
  [
    "day_first",
    "Dates like 3/4",
    [
      ["", "found by itself"],
      ["true", "day first"],
      ["false", "month first"],
    ],
    "",
  ],
  [
    "decimal",
    "Decimal mark",
    [
      ["", "found by itself"],
      [".", "point"],
      [",", "comma"],
    ],
    "",
  ],
  ["timezone", "Time zone", "text", "such as Europe/Berlin"],
  ["na", "Cells that are missing", "text", "such as n/a, -999"],
  ["skip", "Rows to skip at the top", "number", ""],
  ["header", "Row with the names", "number", "counted from 0"],
];

/** The rarer options, folded; `options` holds them, `changed()` hears of a change. */
export const optionsForm = (options, changed) => {
  const set = (name, value) => {
    if (value === "") delete options[name];
    else options[name] = value;
    changed();
  };
  const fields = OPTIONS.map(([name, label, kind, more]) => {
    const attributes = { id: `option-${name}` },
      held = options[name] === undefined ? "" : String(options[name]);
    const heard = (event) => set(name, event.target.value.trim());
    const control = Array.isArray(kind)
      ? choice(kind, held, heard, attributes)
      : h("input", { type: kind, value: held, onchange: heard, min: kind === "number" ? 0 : null, ...attributes });
    return h(
      "p",
      { class: "field" },
      h("label", { for: attributes.id }, label),
      control,
      more ? h("small", {}, more) : null,
    );
  });
  const made = fold("Read it in another way", h("div", { class: "fields" }, fields));
  made.open = Object.keys(options).length > 0;
  return made;
};

const KINDS = {
  wide: (value) => String(value) === "true",
  day_first: (value) => String(value) === "true",
  skip: Number,
  header: Number,
  na: (value) =>
    Array.isArray(value)
      ? value
      : String(value)
          .split(",")
          .map((cell) => cell.trim()),
};

/** Roles and options as the service takes them, without those that say nothing. */
export const readOptions = (roles, options) => {
  const made = {};
  for (const [role, names] of Object.entries(roles)) if (names.length) made[role] = names;
  for (const [name, value] of Object.entries(options)) made[name] = KINDS[name] ? KINDS[name](value) : value;
  return made;
};
