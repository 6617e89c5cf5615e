// Where the service is over HTTP, from what an application calls it, and how names go into addresses.
import { isKey, isTypeName, TidemarkError } from "@tidemark/protocol";

/** Without a slash at its end. Accepts what `connect` does. Throws TypeError. */
export function serviceUrl(url: string): string {
  const { protocol, host, pathname } = new URL(url);
  const scheme = { "https:": "https:", "wss:": "https:", "http:": "http:", "ws:": "http:" }[protocol];
  if (scheme === undefined) throw new TypeError("server: `url` must be https://host or http://host");
  return `${scheme}//${host}${pathname.replace(/\/+$/, "")}`;
}

/** The address of a document. Throws TidemarkError `invalid_key`: dots, for example, would lead somewhere else. */
export function documentPath(type: string, key: string): string {
  if (!isTypeName(type) || !isKey(key)) throw new TidemarkError("invalid_key");
  return `/v1/docs/${type}/${key}`;
}

/** The address of a message or query. Throws TidemarkError `unknown_message`. */
export function messagePath(type: string, key: string, name: string): string {
  if (name === "" || name === "." || name === "..") throw new TidemarkError("unknown_message");
  return `${documentPath(type, key)}/${encodeURIComponent(name)}`;
}

/** The parameters that are there, as a query. */
export function query(parameters: { readonly [name: string]: string | number | undefined }): string {
  const given = Object.entries(parameters).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, `${value}`]],
  );
  return given.length === 0 ? "" : `?${new URLSearchParams(given)}`;
}
