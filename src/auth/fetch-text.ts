// Fetches a text over HTTP within bounds: no redirects, so many bytes, until it is aborted. It knows nothing of what the
// text says.

/** How much of an answer is read, and until when. */
export interface FetchBounds {
  readonly bytesMax: number;
  readonly signal: AbortSignal;
}

/** Resolves with the body of a 200; rejects with anything else. */
export type FetchText = (url: string, bounds: FetchBounds) => Promise<string>;

/** By the `fetch` of the process. */
export const fetchText: FetchText = async (url, { bytesMax, signal }) => {
  const response = await fetch(url, { signal, redirect: "error", headers: { accept: "application/json" } });
  if (response.status !== 200 || response.body === null) {
    await response.body?.cancel();
    throw new Error(`it answered with status ${response.status}`);
  }
  return bodyOf(response.body.getReader(), bytesMax);
};

async function bodyOf(reader: ReadableStreamDefaultReader<Uint8Array>, bytesMax: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return Buffer.concat(chunks).toString("utf8");
    bytes += value.length;
    chunks.push(value);
    if (bytes > bytesMax) {
      await reader.cancel();
      throw new Error(`its answer is longer than ${bytesMax} bytes`);
    }
  }
}
