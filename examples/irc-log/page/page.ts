// The page: follows one room, shows its lines and the state of the stream, and lets its visitor say something. All
// that it knows of reconnecting is what it shows.
import { connect, type LogEntry, type OpenDocument, type Tide, TidemarkError } from "@tidemark/client";
import type { App } from "../app.js";

const ROOM = "ubuntu";
const PAGE_ROWS = 60;
const PROBE_EVERY_MS = 5_000;
const PRESENT_SHOWN = 40;

interface Line {
  readonly kind: string;
  readonly nick: string;
  readonly text: string;
  readonly time?: string | undefined;
}

function element<Kind extends HTMLElement>(id: string, kind: new () => Kind): Kind {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`the page lacks #${id}`);
  return found;
}

const lines = element("lines", HTMLOListElement);
const older = element("older", HTMLButtonElement);
const enter = element("enter", HTMLFormElement);
const speak = element("speak", HTMLFormElement);
const nameField = element("name", HTMLInputElement);
const textField = element("text", HTMLInputElement);
const show = (id: string, text: string): void => {
  element(id, HTMLElement).textContent = text;
};

nameField.value = sessionStorage.getItem("name") ?? "";
nameField.focus();
enter.addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem("name", nameField.value);
  enter.hidden = true;
  speak.hidden = false;
  follow(nameField.value);
  textField.focus();
});

function follow(name: string): void {
  const openedAt = performance.now();
  const tide = connect<App>({ url: location.origin, token: `name:${name}` });
  const room = tide.open("room", ROOM);
  let resumes = -1;
  room.on("line", (line, { seq }) => append(lineElement(line, seq)));
  room.on("gap", ({ from, to }) => append(notice(`lines ${from} to ${to} are no longer kept`)));
  room.onStatus((status) => {
    if (status === "live") resumes += 1;
    show("resumes", `${Math.max(resumes, 0)} times`);
    showStatus(room);
  });
  room.subscribe((state, change) => {
    if (change.cause === "first") {
      show("first", `${Math.round(performance.now() - openedAt)} ms`);
      void pageBack(tide, change.at.seq);
    }
    show("position", String(change.at.seq));
    show("topic", state.topic);
    showPresent(state.present);
  });
  setInterval(() => void probe(room), PROBE_EVERY_MS);
  setInterval(() => showStatus(room), 1_000);
  speak.addEventListener("submit", (event) => {
    event.preventDefault();
    void say(room);
  });
}

let staleSince: number | undefined;

function showStatus({ status, error }: OpenDocument<App, "room">): void {
  const quiet = status === "stale" || status === "offline";
  staleSince = quiet ? (staleSince ?? Date.now()) : undefined;
  const since = staleSince === undefined ? "" : ` for ${Math.round((Date.now() - staleSince) / 1_000)} s`;
  show("status", error === undefined ? status + since : `${status}: ${error.hint}`);
  element("liveness", HTMLElement).dataset.status = status;
}

async function probe(room: OpenDocument<App, "room">): Promise<void> {
  try {
    const { rttMs, head, seq } = await room.probe();
    show("rtt", head === seq ? `${Math.round(rttMs)} ms` : `${head - seq} behind`);
  } catch {
    show("rtt", "no answer");
  }
}

async function say(room: OpenDocument<App, "room">): Promise<void> {
  const text = textField.value;
  textField.value = "";
  show("error", "");
  try {
    await room.send.say({ text });
  } catch (error) {
    if (!(error instanceof TidemarkError)) throw error;
    show("error", error.outcome === "unknown" ? `It may have been said. ${error.hint}` : `Not said. ${error.hint}`);
    textField.value = text;
  }
}

/** Older lines come from the log, a page at a time, in front of what is there. */
async function pageBack(tide: Tide<App>, through: number): Promise<void> {
  const after = Math.max(through - PAGE_ROWS, 0);
  const page = await tide.service.history("room", ROOM, { after, limit: through - after });
  const height = lines.scrollHeight;
  lines.prepend(...page.flatMap(entryElements));
  const log = lines.parentElement;
  if (log !== null) log.scrollTop += lines.scrollHeight - height;
  older.hidden = after === 0;
  older.onclick = () => void pageBack(tide, after);
}

const entryElements = ({ seq, events }: LogEntry): HTMLElement[] =>
  events.flatMap(({ name, data }) => (name === "line" && isLine(data) ? [lineElement(data, seq)] : []));

function isLine(data: unknown): data is Line {
  return typeof data === "object" && data !== null && "kind" in data && "nick" in data && "text" in data;
}

function lineElement({ kind, nick, text, time }: Line, seq: number): HTMLElement {
  const item = document.createElement("li");
  item.dataset.seq = String(seq);
  const when = document.createElement("time");
  when.textContent = time ?? "";
  const who = document.createElement("b");
  const what = document.createElement("span");
  const said = kind === "say";
  if (!said) item.className = "event";
  who.textContent = said ? nick : "*";
  what.textContent = kind === "act" ? `${nick} ${text}` : text.replace(/^=== /, "");
  item.append(when, who, what);
  return item;
}

function notice(text: string): HTMLElement {
  const item = lineElement({ kind: "notice", nick: "", text }, 0);
  item.className = "gap";
  return item;
}

function append(item: HTMLElement): void {
  const log = lines.parentElement;
  const atEnd = log === null || log.scrollHeight - log.scrollTop - log.clientHeight < 80;
  lines.append(item);
  if (atEnd) log?.scrollTo({ top: log.scrollHeight });
}

function showPresent(present: { readonly [nick: string]: number }): void {
  const everybody = Object.entries(present);
  show("count", String(everybody.length));
  const talkers = everybody.sort(([, a], [, b]) => b - a).slice(0, PRESENT_SHOWN);
  element("present", HTMLUListElement).replaceChildren(
    ...talkers.map(([nick, count]) => {
      const item = document.createElement("li");
      const said = document.createElement("span");
      said.textContent = String(count);
      item.append(nick, said);
      return item;
    }),
  );
}
