// What one reader is told as server-sent events (HTML, section 9.2): each with the position that it leads to as its id. The
// head of the response waits until it is known whether there is anything to tell.
import type { ServerResponse } from "node:http";
import type { Runtime } from "../runtime/runtime.js";
import type { Unmet } from "./problem.js";
import { ResponseBody } from "./response-body.js";
import { type Held, heldText, type Told, type ToldEnd } from "./told.js";
import type { Listener } from "./told-wire.js";

/** How soon a browser comes back by itself, ms. */
const RETRY_MS = 1_000;

/** One stream. */
export class EventStream implements Listener {
  /** Undefined: it begins. Else why it does not. */
  readonly begun: Promise<Unmet | undefined>;
  /** Called when it has told its end. */
  onEnd: () => void = () => undefined;
  onDrained: () => void = () => undefined;
  readonly #runtime: Runtime;
  #settle: (refusal: Unmet | undefined) => void = () => undefined;
  #body: ResponseBody | undefined;
  /** Before there is a body. */
  #waiting: string[] = [`retry: ${RETRY_MS}\n\n`];
  #isOver = false;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
    this.begun = new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  get bufferedBytes(): number {
    return this.#body?.bufferedBytes ?? 0;
  }

  get takenBytes(): number {
    return this.#body?.takenBytes ?? 0;
  }

  opened(): void {
    this.#settle(undefined);
  }

  told(told: readonly Told[], held: Held): void {
    const last = told.length - 1;
    const end = told.find((one) => one.kind === "end");
    if (end !== undefined) this.#settle(refusalOf(end));
    // Only with the last of what belongs together is everything there that its position says.
    this.#write(...told.map((one, index) => textOf(one, index === last ? held : undefined)));
    if (end !== undefined) this.#end();
  }

  /** Its reader is gone before it has begun. */
  left(): void {
    this.#settle({ kind: "no", code: "aborted" });
  }

  /** The head of the response was written. */
  flow(response: ServerResponse): void {
    const body = new ResponseBody(response, this.#runtime);
    body.onDrained = () => this.onDrained();
    this.#body = body;
    this.#write(...this.#waiting.splice(0));
    if (this.#isOver) body.end();
  }

  #write(...texts: readonly string[]): void {
    if (this.#body === undefined) this.#waiting.push(...texts);
    else this.#body.write(...texts);
  }

  #end(): void {
    this.#isOver = true;
    this.#body?.end();
    this.onEnd();
  }
}

/** JSON has no line ends in it, so nothing that anybody wrote can end a line here. */
function textOf(told: Told, held: Held | undefined): string {
  const { kind, ...data } = told;
  const id = held === undefined || kind === "end" ? "" : `id: ${heldText(held)}\n`;
  return `${id}event: ${kind}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** What it is to whoever has not been told anything. */
export const refusalOf = ({ kind: _, ...end }: ToldEnd): Unmet => ({ kind: "no", ...end });
