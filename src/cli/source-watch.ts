// Notices when files of an application change in content. It watches their folders, because editors replace files
// rather than write them; what else happens there (a database, a log) is ignored.
import { type FSWatcher, readFileSync, watch } from "node:fs";
import { basename, dirname, extname, join } from "node:path";
import { digest16 } from "../runtime/digest.js";
import type { CancelTimer, Runtime } from "../runtime/runtime.js";

/** An editor writes a file in several steps; this long after the last one it is whole. */
const SETTLE_MS = 60;
const SOURCES = new Set([".ts", ".tsx", ".mts", ".cts", ".js", ".jsx", ".mjs", ".cjs", ".json"]);

export class SourceWatch {
  readonly #runtime: Runtime;
  /** What each file held when it was last looked at. */
  readonly #contents = new Map<string, string>();
  readonly #folders = new Map<string, FSWatcher>();
  readonly #touched = new Set<string>();
  #settled: CancelTimer = () => undefined;
  #waiting: { readonly anySource: boolean; readonly resolve: (file: string) => void } | undefined;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** Watches a file. */
  add(file: string): void {
    if (this.#contents.has(file)) return;
    this.#contents.set(file, contentOf(file));
    const folder = dirname(file);
    if (this.#folders.has(folder)) return;
    const watcher = watch(folder, (_, name) => this.#heard(name === null ? file : join(folder, basename(name))));
    // A folder that is gone sends nothing more; the files in it that matter are then gone too, and loading says so.
    watcher.on("error", () => watcher.close());
    this.#folders.set(folder, watcher);
  }

  /**
   * Resolves with the file when one has changed since it was last looked at. With `anySource`, a source file that was
   * never imported counts too: it may be the one that was missing. The latest call counts.
   */
  changed({ anySource }: { readonly anySource: boolean }): Promise<string> {
    return new Promise((resolve) => {
      this.#waiting = { anySource, resolve };
      this.#look();
    });
  }

  close(): void {
    this.#settled();
    for (const watcher of this.#folders.values()) watcher.close();
  }

  #heard(file: string): void {
    this.#touched.add(file);
    this.#settled();
    this.#settled = this.#runtime.setTimer(SETTLE_MS, () => this.#look());
  }

  #look(): void {
    if (this.#waiting === undefined) return;
    const { anySource, resolve } = this.#waiting;
    const touched = [...this.#touched];
    this.#touched.clear();
    const known = touched.filter((file) => this.#contents.has(file) && this.#differs(file));
    const fresh = touched.filter((file) => anySource && !this.#contents.has(file) && SOURCES.has(extname(file)));
    const [file] = [...known, ...fresh];
    if (file === undefined) return;
    this.#waiting = undefined;
    resolve(file);
  }

  #differs(file: string): boolean {
    const content = contentOf(file);
    if (this.#contents.get(file) === content) return false;
    this.#contents.set(file, content);
    return true;
  }
}

function contentOf(file: string): string {
  try {
    return Buffer.from(digest16(readFileSync(file, "utf8"))).toString("hex");
  } catch {
    return "absent";
  }
}
