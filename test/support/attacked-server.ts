// A real server process that attackers are let loose on, with a bystander on a socket of its own who must be served all the
// while: after each attack, and meanwhile if a test asks.
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Codec, type Json, jsonCodec } from "@tidemark/protocol";
import { type Asking, RawFrames } from "./raw-frames.js";
import { type ServerProcess, type ServerProcessOptions, startServerProcess } from "./server-process.js";

let clients = 0;

/** A server under attack. Its application knows ledgers, as `test/security/apps/ledger.ts` does. */
export class AttackedServer {
  readonly server: ServerProcess;
  readonly data: string;
  readonly #folder: string;
  readonly #died: Promise<never>;
  readonly #attackers = new Set<RawFrames>();
  #bystander: RawFrames | undefined;
  #calls = 0;

  private constructor(server: ServerProcess, folder: string, data: string) {
    this.server = server;
    this.data = data;
    this.#folder = folder;
    const ended = once(server.process, "exit");
    this.#died = ended.then(() => Promise.reject(new Error(`the server died: ${server.stderr()}`)));
    this.#died.catch(() => undefined);
  }

  static async start(options: Omit<ServerProcessOptions, "data">): Promise<AttackedServer> {
    const folder = mkdtempSync(join(tmpdir(), "tidemark-attacked-"));
    const data = join(folder, "test.db");
    const attacked = new AttackedServer(await startServerProcess({ ...options, data }), folder, data);
    const bystander = await attacked.enter("eve");
    attacked.#attackers.delete(bystander);
    attacked.#bystander = bystander;
    await bystander.say(["open", { s: 1, doc: "ledger/eve-1", create: true }]);
    await bystander.hears("snap");
    return attacked;
  }

  get url(): string {
    return this.server.url;
  }

  /** Somebody with a socket who has said nothing yet. */
  async socket(asking: Asking = {}): Promise<RawFrames> {
    const socket = await RawFrames.open(this.url, asking);
    this.#attackers.add(socket);
    return socket;
  }

  /** Somebody who is in. */
  async enter(name: string, codec: Codec = jsonCodec): Promise<RawFrames> {
    const socket = await this.socket({ codec });
    await socket.say(helloOf(`user:${name}`));
    await socket.hears("welcome");
    return socket;
  }

  /** Somebody who is in, with a ledger of their own. */
  async owner(name: string, codec: Codec = jsonCodec): Promise<RawFrames> {
    const socket = await this.enter(name, codec);
    await socket.say(["open", { s: 1, doc: `ledger/${name}-1`, create: true }]);
    await socket.hears("snap");
    return socket;
  }

  /** The bystander's call is answered, on the socket that they have had all the time, and their document is theirs alone. */
  async isServed(): Promise<void> {
    const bystander = this.#bystander;
    if (bystander === undefined) throw new Error("nobody stands by");
    this.#calls += 1;
    const n = this.#calls;
    const extension = { born: Date.now() };
    const asked = bystander.say(["c", n, "ledger/eve-1", "add", { by: 1 }, extension]).then(() => bystander.answer(n));
    const answer = await Promise.race([asked, this.#died]);
    if (answer[0] !== "ok" || answer[3] !== n) throw new Error(`the bystander hears ${JSON.stringify(answer)}`);
  }

  /** All attackers leave; then the bystander is served as before. */
  async after(): Promise<void> {
    for (const { tcp } of this.#attackers) tcp.destroy();
    this.#attackers.clear();
    await this.isServed();
  }

  /** Memory of the process. */
  residentBytes(): number {
    const status = readFileSync(`/proc/${this.server.pid}/status`, "utf8");
    return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1_024;
  }

  async stop(): Promise<void> {
    for (const { tcp } of [...this.#attackers, ...(this.#bystander === undefined ? [] : [this.#bystander])])
      tcp.destroy();
    await this.server.kill("SIGKILL");
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** A hello of a client that nobody has been before. */
export function helloOf(token: string | undefined, fields: { readonly [name: string]: Json } = {}): Json {
  clients += 1;
  const client = clients.toString(16).padStart(32, "0");
  const who = token === undefined ? {} : { token };
  return ["hello", { v: 1, ...who, client, conn: 1, sdk: "attack/1", caps: [], ...fields }];
}
