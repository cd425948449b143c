// The first part: a table, what to forecast of it, and what came out.
import { ask } from "/page/api.js";
import { asking } from "/page/ask.js";
import { $, alarm } from "/page/dom.js";
import { reading } from "/page/read.js";
import { showResult } from "/page/result.js";

let begun = false;

const result = (job) => {
  $("result").hidden = false;
  showResult($("result"), job);
};

const begin = () => {
  const asks = asking($("ask"), {
    started: () => {
      $("result").hidden = true;
    },
    ended: (job) => {
      history.replaceState(null, "", `#forecast/${job.id}`);
      result(job);
      $("result-title").focus({ preventScroll: true });
      $("result").scrollIntoView();
    },
  });
  reading($("table"), {
    changed: (table) => {
      $("ask").hidden = !table?.look?.data;
      $("newcomer").hidden = true;
      $("result").hidden = true;
      asks.show(table);
    },
  });
};

/** Show the part; with the id of a job, what came of that. */
export const entered = async (place, job) => {
  if (!begun) begin();
  begun = true;
  if (!job) return;
  $("newcomer").hidden = true;
  try {
    const found = await ask(`/v1/jobs/${encodeURIComponent(job)}`);
    if ($("result").dataset.job !== found.id || $("result").hidden) result(found);
    $("result").scrollIntoView();
  } catch (problem) {
    $("result").hidden = false;
    $("result").append(alarm(problem));
  }
};
