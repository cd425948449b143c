// Elements from data. Text is set as text, never as HTML.

export const $ = (id) => document.getElementById(id);

/** An element: attributes, `on...` listeners, properties; then children: text or elements, null is left out. */
export const h = (name, attributes = {}, ...children) => {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (key === "value" || key === "checked" || key === "disabled" || key === "hidden") made[key] = value;
    else if (value !== null && value !== undefined && value !== false)
      made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
  return made;
};

export const button = (text, onclick, attributes = {}) => h("button", { type: "button", onclick, ...attributes }, text);

/** A list to choose from: options are pairs of value and text, or texts. */
export const choice = (options, chosen, onchange, attributes = {}) => {
  const made = h(
    "select",
    { onchange, ...attributes },
    options.map((one) => {
      const [value, text] = Array.isArray(one) ? one : [one, one];
      return h("option", { value }, String(text));
    }),
  );
  made.value = chosen;
  return made;
};

/** A table that scrolls inside its own box. Cells are text or elements; the first of a row is its heading. */
export const table = (name, heads, rows, attributes = {}) => {
  const cells = (row) => row.map((cell, k) => (k ? h("td", {}, cell) : h("th", { scope: "row" }, cell)));
  return h(
    "div",
    { "class": "scroll", "tabindex": 0, "role": "region", "aria-label": name },
    h(
      "table",
      { "aria-label": name, ...attributes },
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          heads.map((head) => h("th", { scope: "col" }, head)),
        ),
      ),
      h(
        "tbody",
        {},
        rows.map((row) => (row instanceof Element ? row : h("tr", {}, cells(row)))),
      ),
    ),
  );
};

export const fold = (summary, ...inside) => h("details", {}, h("summary", {}, summary), inside);

/** Tell everybody, also those who listen, what happened; the text goes after a while. */
let timer = 0;
export const say = (text, shown = true) => {
  $("said").textContent = text;
  $("said").classList.toggle("unseen", !shown); // for who listens, where eyes see it anyway
  clearTimeout(timer);
  timer = setTimeout(() => {
    $("said").textContent = "";
  }, 5000);
};

/** Take back what was said. */
export const hush = () => {
  $("said").textContent = "";
};

/** What went wrong, with what helps. */
export const alarm = (problem) =>
  h(
    "div",
    { class: "alarm", role: "alert" },
    h("p", {}, problem.detail ?? String(problem.message ?? problem)),
    problem.remedy ? h("p", { class: "remedy" }, problem.remedy) : null,
  );

export const copy = async (text) => {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = h("textarea", { class: "away" });
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy"); // where the page is not served securely there is no other way
    area.remove();
  }
  say("Copied.");
};

/** A text to copy, with a button. */
export const code = (name, text) =>
  h(
    "div",
    { class: "code" },
    h(
      "div",
      { class: "code-head" },
      h("span", {}, name),
      button("Copy", () => copy(text), { "aria-label": `Copy ${name}` }),
    ),
    h("pre", { "tabindex": 0, "aria-label": name }, text),
  );

/** Give a text as a file. */
export const saveText = (text, name) => {
  const link = h("a", { href: URL.createObjectURL(new Blob([text], { type: "text/csv" })), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 5000);
};

/** Calls at most once in so many milliseconds, with the newest arguments. */
export const calmed = (call, pause) => {
  let waiting = 0;
  return (...given) => {
    clearTimeout(waiting);
    waiting = setTimeout(() => call(...given), pause);
  };
};
