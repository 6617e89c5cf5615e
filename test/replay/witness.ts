// A subscriber that writes down what it is told: its first position, every event in order, how it came back after each
// cut. Judged afterwards, never while it runs.
import type { OpenDocument, Position, Tide } from "@tidemark/client";
import type { App } from "../../examples/irc-log/app.js";

/** An event as it was received. */
export interface Heard {
  readonly seq: number;
  readonly line: unknown;
}

/** One subscriber of one document. */
export class Witness {
  readonly key: string;
  readonly heard: Heard[] = [];
  readonly document: OpenDocument<App, "room">;
  first: Position | undefined;
  gaps = 0;
  replays = 0;
  snapshots = 0;
  #wasLive = false;
  #resetSinceLive = false;

  constructor(tide: Tide<App>, key: string) {
    this.key = key;
    this.document = tide.open("room", key);
    this.document.subscribe((_state, change) => {
      if (change.cause === "first") this.first ??= change.at;
      if (change.cause === "reset") this.#resetSinceLive = true;
    });
    this.document.on("line", (line, { seq }) => this.heard.push({ seq, line }));
    this.document.on("gap", () => {
      this.gaps += 1;
    });
    this.document.onStatus((status) => this.#moved(status));
  }

  #moved(status: string): void {
    if (status !== "live") return;
    if (this.#wasLive) {
      if (this.#resetSinceLive) this.snapshots += 1;
      else this.replays += 1;
    }
    this.#wasLive = true;
    this.#resetSinceLive = false;
  }
}
