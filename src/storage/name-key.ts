// A document's name as one string, for maps.
import type { DocumentName } from "../document/document-store.js";

/** No part of a name can hold a NUL, so different names have different keys. */
export const nameKey = (name: DocumentName): string => `${name.space}\0${name.type}\0${name.key}`;
