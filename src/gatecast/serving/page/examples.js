// Two tables to try: one that everybody knows, and a made-up shop whose price and promotions are known ahead.

export const airline = async () => {
  const answer = await fetch("/page/airline.csv");
  return new File([await answer.text()], "airline.csv", { type: "text/csv" });
};

/** The same numbers every time: a linear congruential generator, summed to a bell. */
const noise = (seed) => {
  let state = seed;
  const next = () => {
    state = (1103515245 * state + 12345) % 2147483648;
    return state / 2147483648;
  };
  return () => next() + next() + next() - 1.5;
};

export const shop = () => {
  const lines = ["shop,day,price,promo,units"],
    days = 150,
    ahead = 14;
  for (const [name, level, seed] of [
    ["north", 42, 7],
    ["south", 65, 11],
  ]) {
    const drawn = noise(seed);
    for (let d = 0; d < days + ahead; d += 1) {
      const date = new Date(Date.UTC(2024, 0, 1 + d)).toISOString().slice(0, 10);
      const price = [2, 2, 2.2, 1.8, 2.4][Math.floor(d / 9) % 5],
        promo = (d * 7) % 23 < 4 ? "yes" : "no";
      const week = [0, -3, -2, 1, 6, 14, 9][d % 7];
      const units = level + week - 9 * (price - 2) * 3 + (promo === "yes" ? 12 : 0) + 5 * drawn();
      lines.push([name, date, price, promo, d < days ? units.toFixed(0) : ""].join(","));
    }
  }
  return new File([lines.join("\n")], "shop.csv", { type: "text/csv" });
};

export const SHOP_ROLES = { series: ["shop"], time: ["day"], target: ["units"], future: ["price", "promo"] };
