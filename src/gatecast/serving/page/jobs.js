// The queue: what waits, runs and has ended; its log; cancel and delete.
import { ask } from "/page/api.js";
import { alarm, button, h, say, table } from "/page/dom.js";
import { sourceOf, stageText } from "/page/ask.js";

const EVERY = 1500,
  ENDED = ["done", "failed", "cancelled"];
let timer = 0,
  list = null,
  log = null,
  held = "",
  opened = null;

const clock = (seconds) => new Date(seconds * 1000).toLocaleString("sv").slice(0, 16);
const tableOf = (job) => sourceOf(job) ?? job.id;
const took = (job) => {
  if (!job.started) return "-";
  const seconds = (job.ended ?? Date.now() / 1000) - job.started;
  return seconds < 90 ? `${Math.max(seconds, 0).toFixed(0)} s` : `${Math.round(seconds / 60)} min`;
};

const line = ({ at, event, ...rest }) => {
  const more = Object.entries(rest)
    .map(([name, value]) => `${name} ${typeof value === "object" ? JSON.stringify(value) : value}`)
    .join(" · ");
  return `${new Date(at * 1000).toLocaleString("sv")}  ${event}${more ? `  ${more}` : ""}`;
};

const showLog = async (job) => {
  opened = job;
  try {
    const { lines } = await ask(`/v1/jobs/${job.id}/log`);
    const text = lines.map(line).join("\n");
    if (log.dataset.text === `${job.id} ${text}`) return;
    log.dataset.text = `${job.id} ${text}`;
    log.replaceChildren(
      h("h2", {}, `Log of ${job.kind}, ${tableOf(job)}`),
      h("pre", { "tabindex": 0, "aria-label": "Log" }, text),
      job.problem ? alarm(job.problem) : "",
      h(
        "p",
        { class: "buttons" },
        button("Close", () => {
          opened = null;
          log.dataset.text = "";
          log.replaceChildren();
        }),
      ),
    );
  } catch (problem) {
    log.replaceChildren(alarm(problem));
  }
};

const remove = async (job) => {
  try {
    await ask(`/v1/jobs/${job.id}`, { method: "DELETE" });
    say(ENDED.includes(job.state) ? "Deleted." : "Cancelled.");
  } catch (problem) {
    list.before(alarm(problem));
  }
  if (opened?.id === job.id && ENDED.includes(job.state)) {
    opened = null;
    log.replaceChildren();
  }
  refresh();
};

const row = (job) => {
  const what = `${job.kind}, ${tableOf(job)}`,
    over = ENDED.includes(job.state);
  const { stage } = job.progress ?? {};
  const name =
    job.state === "done"
      ? h("a", { href: `#forecast/${job.id}` }, tableOf(job))
      : tableOf(job);
  const state = [
    h("span", { class: `state ${job.state}` }, job.state),
    job.state === "running" && stage ? h("small", {}, stageText(job.progress)) : null,
  ];
  const buttons = [
    button("Log", () => showLog(job), { "aria-label": `Log of ${what}` }),
    button(over ? "Delete" : "Cancel", () => remove(job), { "aria-label": `${over ? "Delete" : "Cancel"} ${what}` }),
  ];
  return h(
    "tr",
    {},
    h("th", { scope: "row" }, name),
    h("td", {}, job.kind),
    h("td", { class: "wide" }, state),
    h("td", {}, clock(job.created)),
    h("td", { class: "took" }, took(job)),
    h("td", { class: "buttons" }, buttons),
  );
};

const refresh = async () => {
  clearTimeout(timer);
  try {
    const { jobs } = await ask("/v1/jobs?limit=100");
    const busy = jobs.some((job) => !ENDED.includes(job.state)),
      text = JSON.stringify(jobs);
    if (text !== held || busy) {
      const focused = document.activeElement?.getAttribute("aria-label");
      list.replaceChildren(
        jobs.length
          ? table("Jobs", ["table", "kind", "state", "since", "took", ""], jobs.map(row), { class: "jobs" })
          : h("p", { class: "empty" }, "No job yet. ", h("a", { href: "#forecast" }, "Forecast a table"), "."),
      );
      if (focused && list.querySelector("table"))
        [...list.querySelectorAll("button")].find((one) => one.getAttribute("aria-label") === focused)?.focus();
    }
    held = text;
    const now = opened && jobs.find((job) => job.id === opened.id);
    if (now) await showLog(now);
  } catch (problem) {
    list.replaceChildren(alarm(problem));
    held = "";
  }
  timer = setTimeout(refresh, EVERY);
};

export const entered = async (place) => {
  if (!list) {
    list = h("div");
    log = h("div", { class: "log" });
    place.append(
      h(
        "p",
        { class: "about" },
        "Trainings run one after the other, in a process of their own; forecasts do not wait for them.",
      ),
      list,
      log,
    );
  }
  held = "";
  await refresh();
};

export const left = () => clearTimeout(timer);
