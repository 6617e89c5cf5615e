// A process full of real clients, the TypeScript ones, each following one document. It does what it is told over IPC and
// reports what its clients saw.
import type { OpenDocument, Tide } from "@tidemark/client";
import { createClient } from "../../clients/typescript/src/client.js";
import { platform } from "../../clients/typescript/src/platform/node.js";
import type { app } from "../app.js";
import type { CrowdOrder, CrowdReport, Held, Return } from "./messages.js";

type App = typeof app;

// Each refused connection is an error with a trace, and to look its lines up in source maps costs as much as the connection.
process.setSourceMapsEnabled(false);

/** One client and what it is waited for. */
class Member {
  attempts = 0;
  readonly #url: string;
  readonly #key: string;
  readonly #token: string;
  #tide: Tide<App>;
  #document: OpenDocument<App, "sheet">;

  constructor(url: string, key: string, token: string) {
    this.#url = url;
    this.#key = key;
    this.#token = token;
    this.#tide = this.#connect();
    this.#document = this.#tide.open("sheet", key);
  }

  get key(): string {
    return this.#key;
  }

  /** Like a page that is loaded again. */
  forget(): void {
    this.#tide.close();
    this.#tide = this.#connect();
    this.#document = this.#tide.open("sheet", this.#key);
  }

  isAt(seq: number): boolean {
    return this.#document.status === "live" && (this.#document.position?.seq ?? -1) >= seq;
  }

  holds({ seq, state }: Held): boolean {
    return this.#document.position?.seq === seq && JSON.stringify(this.#document.state) === state;
  }

  /** Resolves when it is not live any more. */
  leaves(): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (this.#document.status === "live") return;
        stop();
        resolve();
      };
      const stop = this.#document.onStatus(look);
      look();
    });
  }

  /** Resolves when the seq is reached, with the time. */
  reaches(seq: number): Promise<number> {
    if (this.isAt(seq)) return Promise.resolve(Date.now());
    return new Promise((resolve) => {
      const look = (): void => {
        if (!this.isAt(seq)) return;
        for (const stop of stops) stop();
        resolve(Date.now());
      };
      const stops = [this.#document.onStatus(look), this.#document.subscribe(look)];
      look();
    });
  }

  #connect(): Tide<App> {
    const counting: typeof platform = {
      ...platform,
      openSocket: (...socket) => {
        this.attempts += 1;
        return platform.openSocket(...socket);
      },
    };
    return createClient<App>({ url: this.#url, token: this.#token }, counting);
  }
}

let members: Member[] = [];
let keepsMemory = true;

async function connect(order: Extract<CrowdOrder, { order: "connect" }>): Promise<CrowdReport> {
  const { url, clients, documents } = order;
  keepsMemory = order.keepsMemory;
  members = [];
  for (let n = 0; n < clients; n += 1) {
    members.push(new Member(url, documents[n % documents.length] ?? "", `crowd-${process.pid}-${n}`));
    // Getting there is not what is measured: nobody is sent away.
    if (n % 100 === 99) await Promise.all(members.slice(-100).map((member) => member.reaches(0)));
  }
  await Promise.all(members.map((member) => member.reaches(0)));
  return { report: "connected" };
}

async function watch({ heads }: Extract<CrowdOrder, { order: "watch" }>): Promise<CrowdReport> {
  const before = process.cpuUsage();
  const back = members.map(async (member): Promise<Return> => {
    member.attempts = 0;
    await member.leaves();
    if (!keepsMemory) member.forget();
    const at = await member.reaches(heads[member.key] ?? 0);
    return { at, attempts: member.attempts };
  });
  const clients = await Promise.all(back);
  const { user, system } = process.cpuUsage(before);
  return { report: "back", clients, cpuSeconds: (user + system) / 1e6 };
}

async function compare({ documents }: Extract<CrowdOrder, { order: "compare" }>): Promise<CrowdReport> {
  await Promise.all(members.map((member) => member.reaches(documents[member.key]?.seq ?? 0)));
  const differing = members.filter((member) => !member.holds(documents[member.key] ?? { seq: -1, state: "" })).length;
  return { report: "compared", differing };
}

function carryOut(order: CrowdOrder): Promise<CrowdReport> {
  if (order.order === "connect") return connect(order);
  if (order.order === "watch") return watch(order);
  return compare(order);
}

process.on("message", (order: CrowdOrder) => {
  carryOut(order).then(
    (report) => process.send?.(report),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});
process.on("disconnect", () => process.exit(0));
