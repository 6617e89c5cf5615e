// What a drive may hold after power is cut: all that was synced, and of the rest any part, torn at 512-byte sectors. It
// follows a trace event by event; it never reads a real file.
//
// Directory entries follow what journalling file systems do: a file exists once it was synced, and an unlink that came
// before a completed sync of any file is done; before that, both may be missing after the cut.
import { integer, type Random } from "./seeded-random.js";
import type { FileName, TraceEvent } from "./trace.js";

const SECTOR_BYTES = 512;

type Change = { readonly at: number } & (
  | { readonly kind: "write"; readonly offset: number; readonly bytes: Buffer }
  | { readonly kind: "truncate"; readonly length: number }
);

/** Bytes that grow. */
class Image {
  #bytes: Buffer;
  #length: number;

  constructor(content: Buffer = Buffer.alloc(0)) {
    this.#bytes = content;
    this.#length = content.length;
  }

  copy(): Image {
    return new Image(Buffer.from(this.content()));
  }

  content(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  write(offset: number, bytes: Buffer): void {
    this.#setLength(Math.max(this.#length, offset + bytes.length));
    bytes.copy(this.#bytes, offset);
  }

  truncate(length: number): void {
    this.#setLength(length);
  }

  #setLength(length: number): void {
    if (length > this.#bytes.length) {
      const grown = Buffer.alloc(Math.max(length, 2 * this.#bytes.length, 65_536));
      this.content().copy(grown);
      this.#bytes = grown;
    }
    // What lies behind a shorter end must read as zeros when the file grows again.
    if (length < this.#length) this.#bytes.fill(0, length, this.#length);
    this.#length = length;
  }
}

interface StoredFile {
  readonly durable: Image;
  /** A completed sync made its directory entry durable. */
  entered: boolean;
  pending: Change[];
}

interface PendingUnlink {
  readonly at: number;
  readonly name: FileName;
  readonly file: StoredFile;
}

/** How much of what is not synced a crash leaves of one file. */
type Survival = "none" | "all" | "prefix" | "subset" | "torn";
const SURVIVALS: readonly Survival[] = ["none", "all", "prefix", "subset", "torn"];

/** Calls `write` for the sectors of one write that reached the drive. */
function writeTorn(image: Image, change: Change & { kind: "write" }, random: Random): void {
  const { offset, bytes } = change;
  for (let start = 0; start < bytes.length; ) {
    const end = Math.min(bytes.length, start + SECTOR_BYTES - ((offset + start) % SECTOR_BYTES));
    if (random() < 0.6) image.write(offset + start, bytes.subarray(start, end));
    start = end;
  }
}

function applyChange(image: Image, change: Change): void {
  if (change.kind === "write") image.write(change.offset, change.bytes);
  else image.truncate(change.length);
}

/** Puts a random part of `changes` on `image`, in their order. */
function surviveInto(image: Image, changes: readonly Change[], random: Random): void {
  const survival = SURVIVALS[integer(random, SURVIVALS.length)] ?? "none";
  if (survival === "none") return;
  const end = survival === "prefix" ? integer(random, changes.length + 1) : changes.length;
  for (const change of changes.slice(0, end)) {
    if ((survival === "subset" || survival === "torn") && random() < 0.5) continue;
    if (survival === "torn" && change.kind === "write") writeTorn(image, change, random);
    else applyChange(image, change);
  }
}

/** The drive below one traced process. Give it every event in order; ask for a crash between any two. */
export class DiskModel {
  readonly #files = new Map<FileName, StoredFile>();
  readonly #begun = new Map<number, { readonly at: number; readonly file: StoredFile }>();
  #unlinks: PendingUnlink[] = [];
  readonly #random: Random;
  #now = 0;

  /** `random` decides what is left of writes whose sync failed: the kernel forgets them either way. */
  constructor(random: Random) {
    this.#random = random;
  }

  /** The process is gone, its writes are not: the next trace goes on over the same files. */
  processEnded(): void {
    this.#begun.clear();
  }

  apply(event: TraceEvent): void {
    this.#now += 1;
    const at = this.#now;
    switch (event.kind) {
      case "write":
        this.#open(event.file).pending.push({ kind: "write", at, offset: event.offset, bytes: event.bytes });
        return;
      case "truncate":
        this.#open(event.file).pending.push({ kind: "truncate", at, length: event.length });
        return;
      case "sync-begin":
        this.#begun.set(event.serial, { at, file: this.#open(event.file) });
        return;
      case "sync-end":
        this.#syncEnd(event.serial, event.failed);
        return;
      case "unlink":
        this.#unlink(event.file);
        return;
      case "send":
      case "fired":
        return;
    }
  }

  /** The files of one possible drive if power were cut now. Absent: there is no such file. */
  crash(random: Random): ReadonlyMap<FileName, Buffer> {
    const left = new Map<FileName, Buffer>();
    for (const [name, file] of this.#files) {
      if (!file.entered && random() < 0.3) continue;
      const image = file.durable.copy();
      surviveInto(image, file.pending, random);
      left.set(name, image.content());
    }
    // Entries change in order: an unlink that is lost takes with it every later one.
    const done = integer(random, this.#unlinks.length + 1);
    for (const { name, file } of this.#unlinks.slice(done).reverse()) left.set(name, file.durable.copy().content());
    return left;
  }

  /** Everything written so far, synced or not: what a killed process leaves. */
  everything(): ReadonlyMap<FileName, Buffer> {
    const left = new Map<FileName, Buffer>();
    for (const [name, file] of this.#files) {
      const image = file.durable.copy();
      for (const change of file.pending) applyChange(image, change);
      left.set(name, image.content());
    }
    return left;
  }

  #open(name: FileName): StoredFile {
    const open = this.#files.get(name);
    if (open !== undefined) return open;
    const made: StoredFile = { durable: new Image(), entered: false, pending: [] };
    this.#files.set(name, made);
    return made;
  }

  #unlink(name: FileName): void {
    const file = this.#files.get(name);
    this.#files.delete(name);
    if (file?.entered) this.#unlinks.push({ at: this.#now, name, file });
  }

  #syncEnd(serial: number, failed: boolean): void {
    const begun = this.#begun.get(serial);
    if (begun === undefined) throw new Error(`trace: sync ${serial} ended but never began`);
    this.#begun.delete(serial);
    const { file, at } = begun;
    const covered = file.pending.filter((change) => change.at < at);
    file.pending = file.pending.filter((change) => change.at > at);
    if (failed) {
      surviveInto(file.durable, covered, this.#random);
      return;
    }
    for (const change of covered) applyChange(file.durable, change);
    file.entered = true;
    this.#unlinks = this.#unlinks.filter((unlink) => unlink.at > at);
  }
}
