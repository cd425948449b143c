// Requests to the service: JSON, forms, files and streams of events, with the token where there is one.
import { $ } from "/page/dom.js";

const KEY = "gatecast-token";
let entering = null;

/** An answer that is an error, as problem+json says it. */
export class Problem extends Error {
  constructor(status, body) {
    super(body.detail ?? `The service answered ${status}.`);
    Object.assign(this, { status, detail: this.message, remedy: body.remedy ?? "", remedies: body.remedies ?? [] });
  }
}

const token = () => sessionStorage.getItem(KEY) ?? "";
const signed = (headers = {}) => (token() ? { ...headers, Authorization: `Bearer ${token()}` } : headers);

/** Ask for a token; whoever asks meanwhile waits for the same answer. */
export const enterToken = (wrong = "") => {
  entering ??= new Promise((done) => {
    const dialog = $("token");
    $("token-open").hidden = false;
    $("token-wrong").textContent = wrong;
    $("token-wrong").hidden = !wrong;
    $("token-text").value = "";
    dialog.addEventListener(
      "close",
      () => {
        const text = $("token-text").value.trim();
        if (text) sessionStorage.setItem(KEY, text);
        entering = null;
        done(Boolean(text));
      },
      { once: true },
    );
    dialog.showModal();
  });
  return entering;
};

const failed = async (answer) => {
  const text = await answer.text();
  try {
    return new Problem(answer.status, JSON.parse(text));
  } catch {
    return new Problem(answer.status, {});
  }
};

const sent = async (path, options) => {
  const used = token();
  let answer;
  try {
    answer = await fetch(path, { ...options, headers: signed(options.headers) });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, { detail: "The service does not answer.", remedy: "Is gatecast serve still running?" });
  }
  if (answer.status === 401) {
    if (used !== token()) return sent(path, options); // another request got one meanwhile
    if (await enterToken(used ? "This token is not known." : "")) return sent(path, options);
  }
  if (!answer.ok) throw await failed(answer);
  return answer;
};

/** The answer to a request, as data. */
export const ask = async (path, { method, json, form, headers = {}, signal } = {}) => {
  const body = json === undefined ? form : JSON.stringify(json);
  const kind = json === undefined ? {} : { "Content-Type": "application/json" };
  const options = {
    method: method ?? (body === undefined ? "GET" : "POST"),
    body,
    signal,
    headers: { ...kind, ...headers },
  };
  const answer = await sent(path, options);
  return answer.status === 204 ? null : answer.json();
};

/** A form with a file and JSON. */
export const formOf = (file, parts) => {
  const form = new FormData();
  form.append("file", file, file.name);
  for (const [name, value] of Object.entries(parts)) {
    if (value !== null && value !== undefined)
      form.append(name, typeof value === "object" ? JSON.stringify(value) : String(value));
  }
  return form;
};

/** Server-sent events, by fetch because a token goes into a header; ends when the stream does. */
export const events = async (path, heard, signal) => {
  const answer = await sent(path, { signal });
  const reader = answer.body.getReader(),
    decoder = new TextDecoder();
  let held = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const blocks = (held + decoder.decode(value, { stream: true })).split("\n\n");
    held = blocks.pop();
    for (const block of blocks) {
      const name = /^event: (.*)$/m.exec(block)?.[1],
        data = /^data: (.*)$/m.exec(block)?.[1];
      if (name && data) heard(name, JSON.parse(data));
    }
  }
};

/** Save a file of the service: a plain link cannot send a token. */
export const save = async (href, name) => {
  const blob = await (await sent(href, {})).blob();
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 5000);
};
