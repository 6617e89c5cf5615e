// Everything observable of a run, folded into one running hash: two runs of one seed that differ in a byte or in the
// time of an event differ in it. The lines themselves are kept only for whoever wants to read them.

/** What was seen. Text and bytes go into the hash whole. */
export type Seen = string | number | Uint8Array;

/** A running hash of 64 bits over (time, who, what, details). */
export class Trace {
  readonly #lines: string[] | undefined;
  readonly #clock: { readonly nowMs: number };
  #high = 0x9e_37_79_b9;
  #low = 0x85_eb_ca_6b;

  /** `keep`: lines are kept as text. */
  constructor(clock: { readonly nowMs: number }, keep: boolean) {
    this.#clock = clock;
    this.#lines = keep ? [] : undefined;
  }

  get lines(): readonly string[] {
    return this.#lines ?? [];
  }

  /** 16 hexadecimal digits. */
  get hash(): string {
    return [this.#high, this.#low].map((lane) => (lane >>> 0).toString(16).padStart(8, "0")).join("");
  }

  /** Something happened now. */
  note(who: string, what: string, ...details: readonly Seen[]): void {
    this.#number(this.#clock.nowMs);
    this.#text(who);
    this.#text(what);
    for (const detail of details) this.#fold(detail);
    this.#lines?.push(
      `${this.#clock.nowMs.toFixed(3).padStart(12)}  ${who.padEnd(12)} ${what} ${details.map(shown).join(" ")}`,
    );
  }

  #fold(detail: Seen): void {
    if (typeof detail === "number") this.#number(detail);
    else if (typeof detail === "string") this.#text(detail);
    else this.#bytes(detail);
  }

  #number(value: number): void {
    const whole = Math.floor(value);
    this.#step(whole | 0);
    this.#step(Math.floor(whole / 2 ** 32) | 0);
    this.#step(Math.floor((value - whole) * 2 ** 31));
  }

  #text(text: string): void {
    this.#step(text.length);
    for (let index = 0; index < text.length; index++) this.#step(text.charCodeAt(index));
  }

  #bytes(bytes: Uint8Array): void {
    this.#step(bytes.length);
    for (let index = 0; index < bytes.length; index++) this.#step(bytes[index] ?? 0);
  }

  #step(unit: number): void {
    this.#high = Math.imul(this.#high ^ unit, 0xcc_9e_2d_51);
    this.#high = (this.#high << 13) | (this.#high >>> 19);
    this.#low = Math.imul(this.#low ^ unit, 0x1b_87_35_93);
    this.#low = (this.#low << 15) | (this.#low >>> 17);
  }
}

function shown(detail: Seen): string {
  if (typeof detail !== "object") return String(detail);
  const text = Buffer.from(detail).toString("utf8");
  return /^[\x20-\x7e]*$/.test(text) ? text : Buffer.from(detail).toString("hex");
}
