// A map for what is mostly empty or has one entry, is asked of with every call, and is kept for each connection: a Map with
// one entry takes ten times the memory.

/** A Map that is made with its second entry and dropped with its last one. No value is undefined. */
export class SeldomMap<K, V> {
  /** The only entry, while there is no map. */
  #key: K | undefined = undefined;
  #value: V | undefined = undefined;
  #entries: Map<K, V> | undefined = undefined;

  get size(): number {
    if (this.#entries !== undefined) return this.#entries.size;
    return this.#value === undefined ? 0 : 1;
  }

  get(key: K): V | undefined {
    if (this.#entries !== undefined) return this.#entries.get(key);
    return this.#key === key ? this.#value : undefined;
  }

  has(key: K): boolean {
    return this.get(key) !== undefined;
  }

  set(key: K, value: V): this {
    if (this.#entries === undefined && (this.#value === undefined || this.#key === key)) {
      this.#key = key;
      this.#value = value;
    } else {
      this.#entries ??= new Map(SeldomMap.#only(this));
      this.#entries.set(key, value);
      this.#key = undefined;
      this.#value = undefined;
    }
    return this;
  }

  /** True when it was there. */
  delete(key: K): boolean {
    const was = this.has(key);
    if (was && (this.#entries === undefined || this.#entries.size === 1)) this.clear();
    else this.#entries?.delete(key);
    return was;
  }

  clear(): void {
    this.#key = undefined;
    this.#value = undefined;
    this.#entries = undefined;
  }

  keys(): Iterable<K> {
    return this.#entries?.keys() ?? SeldomMap.#only(this).map(([key]) => key);
  }

  values(): Iterable<V> {
    return this.#entries?.values() ?? (this.#value === undefined ? [] : [this.#value]);
  }

  [Symbol.iterator](): Iterator<[K, V]> {
    return (this.#entries ?? SeldomMap.#only(this))[Symbol.iterator]();
  }

  // Static: a private method takes memory of each object that has it.
  static #only<K, V>(map: SeldomMap<K, V>): [K, V][] {
    return map.#key === undefined || map.#value === undefined ? [] : [[map.#key, map.#value]];
  }
}
