// A file or a pasted table goes in; what was read of it comes out, with lists to read it in another way.
import { Problem, ask, formOf } from "/page/api.js";
import { alarm, button, fold, h, say, table } from "/page/dom.js";
import { SHOP_ROLES, airline, shop } from "/page/examples.js";
import { ROLES, columnsTable, optionsForm, readOptions } from "/page/roles.js";

const KINDS = ".csv,.tsv,.txt,.json,.jsonl,.ndjson,.parquet,.xlsx,.xls,.ods,.gz";

/** Fill the place; `changed({file, look, read})` hears of every table that could be read, and null of others. */
export const reading = (place, { changed }) => {
  const state = { file: null, look: null, picked: {}, options: {}, found: {}, asked: 0 };
  const told = h("div", { class: "told" });

  const remedied = ({ setting, of, value }) => {
    if (of !== "read" || value === undefined || value === null) return null;
    const values = [value].flat();
    return button(`Read with ${setting} = ${values.join(", ")}`, () => {
      if (setting in ROLES) for (const name of values) state.picked[name] = setting;
      else state.options[setting] = value;
      look();
    });
  };

  const problemOf = (problem) =>
    h(
      "div",
      { class: "alarm", role: "alert" },
      h("p", {}, problem.message ?? problem.detail),
      problem.remedy ? h("p", { class: "remedy" }, problem.remedy) : null,
      (problem.remedies ?? []).some(({ setting }) => setting in ROLES)
        ? h("p", { class: "remedy" }, "Roles are chosen in the list of columns below.")
        : null,
      h("p", { class: "buttons" }, (problem.remedies ?? []).map(remedied)),
    );

  const series = (found) =>
    found.length < 2
      ? null
      : fold(
          `The series (${found.length === 500 ? "the first 500" : found.length})`,
          table(
            "Series",
            ["series", "rows", "begin", "end", "missing"],
            found.map((one) => [String(one.series), one.rows, one.begin, one.end, one.missing]),
            { class: "facts" },
          ),
        );

  const head = (columns) => {
    const names = Object.keys(columns),
      count = Math.min(columns[names[0]]?.length ?? 0, 8);
    const rows = Array.from({ length: count }, (_, k) => names.map((name) => columns[name][k] ?? "-"));
    return fold("The first rows", table("First rows", names, rows));
  };

  const list = (name, items) =>
    items.length
      ? h(
          "ul",
          { "aria-label": name },
          items.map((item) => h("li", {}, item)),
        )
      : null;

  const facts = (found) =>
    h(
      "dl",
      { class: "tiles" },
      [
        ["series", found.data.series.toLocaleString("en"), ""],
        ["rows", found.data.rows.toLocaleString("en"), ""],
        ["frequency", found.data.frequency, ""],
        ["from", found.data.begin, `to ${found.data.end}`],
      ].map(([name, value, more]) =>
        h("div", {}, h("dt", {}, name), h("dd", {}, h("b", {}, value), h("span", {}, more))),
      ),
    );

  const show = () => {
    const found = state.look;
    told.replaceChildren(
      ...[
        h("h3", {}, state.file.name),
        found.data ? h("p", { class: "finding", id: "read-as" }, `Read as: ${found.read}`) : null,
        found.problem ? problemOf(found.problem) : facts(found),
        list("Notes", [...found.notes, ...found.odd]),
        h("h3", {}, "Columns"),
        columnsTable(found, state.picked, (name, role) => {
          state.picked[name] = role;
          look();
        }),
        optionsForm(state.options, () => look()),
        head(found.head),
        series(found.series),
      ].filter(Boolean),
    );
  };

  /** Roles are sent once somebody has chosen one: then also those that were found. */
  const read = () => {
    const roles = Object.fromEntries(
      Object.keys(ROLES)
        .filter(Boolean)
        .map((role) => [role, []]),
    );
    if (Object.keys(state.picked).length) {
      for (const [name, role] of Object.entries({ ...state.found, ...state.picked })) roles[role]?.push(name);
    }
    return readOptions(roles, state.options);
  };

  const look = async (refocus = document.activeElement?.id) => {
    const turn = (state.asked += 1),
      options = read();
    place.setAttribute("aria-busy", "true");
    try {
      const found = await ask("/v1/look", { form: formOf(state.file, { read: options }) });
      if (turn !== state.asked) return;
      state.look = found;
      if (found.data) state.found = Object.fromEntries(found.columns.map((one) => [one.name, one.role]));
      show();
      if (refocus) document.getElementById(refocus)?.focus();
      say(found.data ? `Read: ${found.read}` : "The table cannot be read yet.", false);
      changed({ file: state.file, look: found, read: options });
    } catch (problem) {
      if (turn !== state.asked) return;
      if (!(problem instanceof Problem)) throw problem;
      told.replaceChildren(h("h3", {}, state.file.name), problemOf(problem));
      changed(null);
    } finally {
      if (turn === state.asked) place.removeAttribute("aria-busy");
    }
  };

  const take = (file, roles = {}) => {
    if (!file) return;
    Object.assign(state, { file, look: null, picked: {}, options: {}, found: {} });
    for (const [role, names] of Object.entries(roles)) for (const name of names) state.picked[name] = role;
    told.replaceChildren(h("p", {}, `Reading ${file.name} ...`));
    look();
  };

  const pasted = h("textarea", {
    id: "pasted",
    rows: 5,
    spellcheck: "false",
    placeholder: "month\tsales\n2024-01\t120\n2024-02\t135",
  });
  const chosen = h("input", { type: "file", id: "file", accept: KINDS, onchange: () => take(chosen.files[0]) });
  const drop = h(
    "div",
    { class: "drop" },
    h(
      "p",
      {},
      h("label", { for: "file", class: "button main" }, "Choose a file"),
      chosen,
      h("span", {}, "or drop it here: CSV, Excel, Parquet, JSON"),
    ),
    fold(
      "Paste a table instead",
      h("label", { for: "pasted" }, "Rows with a header, from a spreadsheet or a CSV"),
      pasted,
      h(
        "p",
        { class: "buttons" },
        button("Read what was pasted", () => {
          if (!pasted.value.trim()) return say("There is nothing to read yet.");
          take(new File([pasted.value], "pasted.csv", { type: "text/csv" }));
        }),
      ),
    ),
    h(
      "p",
      { class: "buttons examples" },
      h("span", {}, "New here?"),
      button("Try the airline example", async () => take(await airline())),
      button("Try a made-up shop with prices", () => take(shop(), SHOP_ROLES)),
    ),
  );

  for (const kind of ["dragenter", "dragover"]) {
    drop.addEventListener(kind, (event) => {
      event.preventDefault();
      drop.classList.add("over");
    });
  }
  drop.addEventListener("dragleave", (event) => {
    if (!drop.contains(event.relatedTarget)) drop.classList.remove("over");
  });
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    take(event.dataTransfer.files[0]);
  });
  // a file that misses the box would take the place of the page
  for (const kind of ["dragover", "drop"]) addEventListener(kind, (event) => event.preventDefault());
  place.append(drop, told);
};
