// The page: which part is shown, and the parts themselves, each loaded when it is first seen.
import { enterToken } from "/page/api.js";
import { $, alarm, hush } from "/page/dom.js";

const PARTS = {
  "forecast": () => import("/page/forecast.js"),
  "what-if": () => import("/page/whatif.js"),
  "live": () => import("/page/live.js"),
  "jobs": () => import("/page/jobs.js"),
};
let shown = null;

/** "#live/airline/Passengers" -> ["live", "airline", "Passengers"] */
const where = () => {
  const [part, ...rest] = location.hash.slice(1).split("/").map(decodeURIComponent);
  return PARTS[part] ? [part, ...rest] : ["forecast"];
};

const show = async () => {
  if (location.hash === "#main") return;
  const [part, ...rest] = where();
  for (const name of Object.keys(PARTS)) $(name).hidden = name !== part;
  for (const link of document.querySelectorAll("nav a")) {
    if (link.hash === `#${part}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.title = part === "forecast" ? "Gatecast" : `${$(part).querySelector("h1").textContent} · Gatecast`;
  document.documentElement.dataset.part = part;
  try {
    const [module, before] = [await PARTS[part](), shown];
    if (before && before !== module) before.left?.();
    shown = module;
    await module.entered($(part), ...rest);
  } catch (error) {
    $(part).append(alarm(error));
  }
};

$("token-open").addEventListener("click", async () => {
  if (await enterToken()) show();
});
addEventListener("hashchange", async () => {
  hush();
  await show();
  if (location.hash !== "#main") $("main").focus({ preventScroll: true });
});
if (sessionStorage.getItem("gatecast-token")) $("token-open").hidden = false;
show();
