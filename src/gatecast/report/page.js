"use strict";
// Draws the figures of the page from the data in it. Narrow screens get a key above a figure instead of labels at the
// ends of its lines; touch screens get figures that do not catch the finger that scrolls.
(() => {
  const figures = JSON.parse(document.getElementById("figures").textContent);
  const touch = matchMedia("(pointer: coarse)").matches;
  const NARROW = 560;

  // The height stays that of the screen; on paper, the style sheet scales the whole drawing by this box.
  const boxed = (place) => {
    for (const svg of place.querySelectorAll("svg.main-svg")) {
      const size = [svg.getAttribute("width"), svg.getAttribute("height")];
      svg.setAttribute("viewBox", `0 0 ${size.join(" ")}`);
      place.style.setProperty("--ratio", size.join(" / "));
    }
  };

  const fitted = (layout, width) => {
    const result = structuredClone(layout);
    result.width = width;
    result.autosize = false;
    if (touch) {
      result.dragmode = false;
      for (const name of Object.keys(result)) if (/^[xy]axis/.test(name)) result[name].fixedrange = true;
    }
    if (width >= NARROW) return result;
    result.margin.r = 10;
    result.font.size = 12;
    result.annotations = (result.annotations || []).filter((one) => one.name !== "end");
    for (const name of Object.keys(result)) {
      if (!/^xaxis/.test(name)) continue;
      if (result[name].type === "category") {
        Object.assign(result[name], { tickangle: 0, tickfont: { size: 10 } });
        continue;
      }
      delete result[name].dtick;
      result[name].nticks = 5;
    }
    return result;
  };

  const draw = (name) => {
    const place = document.getElementById(name);
    const width = Math.floor(place.clientWidth);
    if (!width || place.dataset.width === String(width)) return;
    place.dataset.width = String(width);
    const { data, layout, frames } = figures[name];
    const config = { displayModeBar: false, responsive: false };
    Plotly.react(place, { data, layout: fitted(layout, width), config, frames }).then(() => boxed(place));
  };

  const drawAll = () => Object.keys(figures).forEach(draw);
  let waiting = 0;
  addEventListener("resize", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => { if (!matchMedia("print").matches) drawAll(); }, 120);
  });
  // what is folded away cannot be unfolded on paper
  let closed = [];
  addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("details.words:not([open])")];
    for (const one of closed) one.open = true;
  });
  addEventListener("afterprint", () => { for (const one of closed) one.open = false; });
  drawAll();
  document.documentElement.dataset.drawn = String(Object.keys(figures).length);
})();
