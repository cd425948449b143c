// Forecast what follows a table with an exported graph, in plain JavaScript.
//
//     node forecast.mjs airline.onnx airline.json airline.csv [expected.csv]
//
// airline.json is what `gatecast export --json` prints; expected.csv, what `gatecast predict` wrote, is compared with.
// For one series with one target and no covariates; more of them are more columns of the same inputs.
import { readFile } from "node:fs/promises"; // in a browser: (await fetch("airline.onnx")).arrayBuffer()
import * as ort from "onnxruntime-web";

const [graph, facts, table, expected] = process.argv.slice(2);
const told = JSON.parse(await readFile(facts, "utf8")).graph;
if (told.targets.length > 1 || [told.past, told.future, told.static].some((columns) => columns.length))
  throw new Error("this reads one target without covariates");

// Columns of a CSV by name, as text.
async function columnsOf(file) {
  const [names, ...rows] = (await readFile(file, "utf8")).trim().split(/\r?\n/).map((line) => line.split(","));
  return Object.fromEntries(names.map((name, k) => [name, rows.map((row) => row[k])]));
}

// The time of a step as the graph counts it.
function timeOf(text) {
  const written = text.replace(" ", "T");
  const at = new Date(written.includes("T") && !/(Z|[+-]\d\d:?\d\d)$/.test(written) ? `${written}Z` : written);
  if (told.time.startsWith("months")) return BigInt((at.getUTCFullYear() - 1970) * 12 + at.getUTCMonth());
  return BigInt(at.getTime()) * 1000n; // microseconds
}

const columns = await columnsOf(table);
const values = columns[told.targets[0]].slice(-told.history).map(Number);
if (values.length < told.history) throw new Error(`the graph reads ${told.history} steps; there are ${values.length}`);
const given = { history: new ort.Tensor("float64", values, [1, told.history, 1]) };
if (told.time) given.time = new ort.Tensor("int64", [timeOf(columns[told.time_column].at(-1))], [1]);

const session = await ort.InferenceSession.create(await readFile(graph));
const { forecast } = await session.run(given); // windows x horizon x targets x quantiles

const each = told.quantiles.length;
const steps = Array.from({ length: told.horizon }, (_, h) => [...forecast.data.slice(h * each, (h + 1) * each)]);
console.log(["step", ...told.quantiles].join("\t"));
steps.forEach((step, h) => console.log([h + 1, ...step.map((value) => value.toFixed(1))].join("\t")));

if (expected) {
  const ours = await columnsOf(expected);
  const apart = told.quantiles.flatMap((level, k) =>
    ours[`${told.targets[0]}_q${level}`].map((value, h) => Math.abs(value - steps[h][k])),
  );
  const largest = Math.max(...apart) / Math.max(...steps.flat().map(Math.abs));
  console.log(`largest difference from ${expected}: ${largest.toExponential(1)} of the largest value`);
  if (!(largest <= 1e-5)) process.exitCode = 1;
}
