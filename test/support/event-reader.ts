// Reads server-sent events from the body of a response, as a browser does (HTML, section 9.2.6), as far as they are used.
/** One event. */
export interface HeardEvent {
  readonly kind: string;
  readonly id: string | undefined;
  // biome-ignore lint/suspicious/noExplicitAny: tests look at whatever came
  readonly data: any;
}

/** A stream that is being read. */
export class EventReader {
  readonly events: HeardEvent[] = [];
  /** All of it. */
  text = "";
  /** Resolves when it has ended, as a whole or not. */
  readonly ended: Promise<void>;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #isEnded = false;
  #heard: () => void = () => undefined;

  constructor(response: Response) {
    if (response.body === null) throw new Error("no body");
    this.#reader = response.body.getReader();
    this.ended = this.#read();
  }

  get last(): HeardEvent | undefined {
    return this.events.at(-1);
  }

  /** The event of this kind that comes `nth`, from 1, when it has come. */
  async next(kind: string, nth = 1): Promise<HeardEvent> {
    for (;;) {
      const event = this.events.filter((each) => each.kind === kind)[nth - 1];
      if (event !== undefined) return event;
      if (this.#isEnded) throw new Error(`ended without ${kind}: ${this.text}`);
      await this.more();
    }
  }

  /** The newest event, once it is of this seq. */
  async at(seq: number): Promise<HeardEvent | undefined> {
    while (this.last?.data.seq !== seq) {
      if (this.#isEnded) throw new Error(`ended before ${seq}: ${this.text}`);
      await this.more();
    }
    return this.last;
  }

  /** Resolves when something came, or it has ended. */
  more(): Promise<void> {
    return this.#isEnded ? this.ended : new Promise((resolve) => (this.#heard = resolve));
  }

  close(): Promise<void> {
    return this.#reader.cancel().catch(() => undefined);
  }

  async #read(): Promise<void> {
    const decoder = new TextDecoder();
    let rest = "";
    try {
      for (let next = await this.#reader.read(); !next.done; next = await this.#reader.read()) {
        const text = decoder.decode(next.value, { stream: true });
        this.text += text;
        const blocks = `${rest}${text}`.split("\n\n");
        rest = blocks.pop() ?? "";
        this.events.push(...blocks.flatMap(eventIn));
        this.#heard();
      }
    } catch {
      // Cut.
    }
    this.#isEnded = true;
    this.#heard();
  }
}

/** None when it has no data. */
export function eventIn(block: string): readonly HeardEvent[] {
  const fields = new Map<string, string>();
  for (const line of block.split("\n")) {
    const colon = line.indexOf(":");
    fields.set(line.slice(0, colon), line.slice(colon + 1).replace(/^ /, ""));
  }
  const data = fields.get("data");
  if (data === undefined) return [];
  return [{ kind: fields.get("event") ?? "message", id: fields.get("id"), data: JSON.parse(data) }];
}
