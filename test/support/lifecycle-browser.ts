// A browser driven over its own debugging protocol, since a page under Playwright believes it has the focus and can be
// neither hidden nor frozen. Does to a page what tabs, phones and laptops do: hides it, freezes it, takes its network.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import chromium from "@sparticuz/chromium";
import { WebSocket } from "ws";

interface Reply {
  readonly id?: number;
  readonly result?: unknown;
  readonly error?: { readonly message: string };
}

/** A browser process and the socket that commands it. */
export class LifecycleBrowser {
  readonly #process: ChildProcess;
  readonly #profile: string;
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (reply: Reply) => void>();
  #lastId = 0;

  private constructor(process: ChildProcess, profile: string, socket: WebSocket) {
    this.#process = process;
    this.#profile = profile;
    this.#socket = socket;
    socket.on("message", (text) => {
      const reply: Reply = JSON.parse(String(text));
      if (reply.id === undefined) return;
      this.#waiting.get(reply.id)?.(reply);
      this.#waiting.delete(reply.id);
    });
  }

  /** Starts one with an empty profile. */
  static async start(): Promise<LifecycleBrowser> {
    const profile = mkdtempSync(join(tmpdir(), "tidemark-chromium-"));
    const process = spawn(
      await chromium.executablePath(),
      [
        ...["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"],
        ...["--remote-debugging-port=0", `--user-data-dir=${profile}`, "about:blank"],
      ],
      { stdio: ["ignore", "ignore", "pipe"] },
    );
    const socket = new WebSocket(await debuggingUrl(process));
    await once(socket, "open");
    return new LifecycleBrowser(process, profile, socket);
  }

  /** Opens a page in the foreground. */
  async open(url: string): Promise<LifecyclePage> {
    const { targetId } = await this.send<{ targetId: string }>("Target.createTarget", { url: "about:blank" });
    const { sessionId } = await this.send<{ sessionId: string }>("Target.attachToTarget", { targetId, flatten: true });
    const { windowId } = await this.send<{ windowId: number }>("Browser.getWindowForTarget", { targetId });
    const page = new LifecyclePage(this, { targetId, sessionId, windowId });
    // Before the page has sockets: only those that are opened later can be taken offline.
    await page.send("Network.enable");
    await page.send("Page.navigate", { url });
    return page;
  }

  /** Says one command; rejects when the browser refuses it. */
  send<Result>(method: string, params: object = {}, sessionId?: string): Promise<Result> {
    const id = ++this.#lastId;
    this.#socket.send(JSON.stringify({ id, method, params, sessionId }));
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, ({ result, error }) => {
        if (error === undefined) resolve(result as Result);
        else reject(new Error(`${method}: ${error.message}`));
      });
    });
  }

  async close(): Promise<void> {
    // Its helper processes outlive it by a moment, and write to the profile; the last of them closes what all inherited.
    const allEnded = once(this.#process, "close");
    this.#process.stderr?.resume();
    this.#socket.close();
    this.#process.kill("SIGKILL");
    await allEnded;
    rmSync(this.#profile, { recursive: true, force: true });
  }
}

interface PageIds {
  readonly targetId: string;
  readonly sessionId: string;
  readonly windowId: number;
}

/** A page and what can befall it. */
export class LifecyclePage {
  readonly #browser: LifecycleBrowser;
  readonly #ids: PageIds;

  constructor(browser: LifecycleBrowser, ids: PageIds) {
    this.#browser = browser;
    this.#ids = ids;
  }

  send<Result>(method: string, params: object = {}): Promise<Result> {
    return this.#browser.send(method, params, this.#ids.sessionId);
  }

  /** The value of an expression in the page, awaited and as JSON. */
  async evaluate<Value>(expression: string): Promise<Value> {
    const { result, exceptionDetails } = await this.send<{
      result: { value: Value };
      exceptionDetails?: { exception?: { description?: string } };
    }>("Runtime.evaluate", { expression, returnByValue: true, awaitPromise: true });
    if (exceptionDetails !== undefined) throw new Error(exceptionDetails.exception?.description ?? expression);
    return result.value;
  }

  /** Another tab is in front: timers run once a second at most. */
  hide(): Promise<void> {
    return this.#window("minimized");
  }

  show(): Promise<void> {
    return this.#window("normal");
  }

  /** Nothing of the page runs any more; its socket stays open. */
  async freeze(): Promise<void> {
    await this.send("Page.setWebLifecycleState", { state: "frozen" });
  }

  async thaw(): Promise<void> {
    await this.send("Page.setWebLifecycleState", { state: "active" });
  }

  /** Open sockets are dead without a close, and new ones fail. */
  async setOffline(offline: boolean): Promise<void> {
    const unlimited = { latency: 0, downloadThroughput: -1, uploadThroughput: -1 };
    await this.send("Network.emulateNetworkConditions", { offline, ...unlimited });
  }

  async close(): Promise<void> {
    await this.#browser.send("Target.closeTarget", { targetId: this.#ids.targetId });
  }

  async #window(windowState: string): Promise<void> {
    const { windowId } = this.#ids;
    await this.#browser.send("Browser.setWindowBounds", { windowId, bounds: { windowState } });
  }
}

async function debuggingUrl(browser: ChildProcess): Promise<string> {
  if (browser.stderr === null) throw new Error("the browser's messages are not read");
  for await (const line of createInterface({ input: browser.stderr })) {
    const url = /^DevTools listening on (\S+)/.exec(line)?.[1];
    if (url !== undefined) return url;
  }
  throw new Error("the browser ended before it listened");
}
