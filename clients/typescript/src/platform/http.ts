// Requests by the `fetch` that every platform has: a body goes out whole, what comes back is told as it comes.
import type { Cancel, Post, ResponseListener } from "./platform.js";

/** Begins a POST. */
export function post(request: Post, listener: ResponseListener): Cancel {
  const abort = new AbortController();
  run(request, listener, abort.signal).then(
    () => abort.signal.aborted || listener.ended(true),
    () => abort.signal.aborted || listener.ended(false),
  );
  return () => abort.abort();
}

async function run({ url, token, body }: Post, listener: ResponseListener, signal: AbortSignal): Promise<void> {
  const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
  const options = { method: "POST", headers, body, signal, cache: "no-store", credentials: "omit" } as const;
  const response = await fetch(url, { ...options, redirect: "error", referrerPolicy: "no-referrer" });
  if (signal.aborted) return;
  listener.answered(response.status);
  const reader = response.body?.getReader();
  const text = new TextDecoder();
  for (let next = await reader?.read(); next !== undefined && !next.done; next = await reader?.read()) {
    if (signal.aborted) return;
    listener.text(text.decode(next.value, { stream: true }));
  }
  const rest = text.decode();
  if (rest !== "") listener.text(rest);
}
