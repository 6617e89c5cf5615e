// Documents whose states grow, shrink and append to text, with and without views: `page` is the same for all, `book` shows
// each group one secret. Who is in which group is in the token.
import { defineApp } from "tidemark";
import { book, page } from "../support/stream-bench.js";

export const app = defineApp({
  documents: { page, book },
  authenticate: (token) => {
    const [id = "", group = ""] = token.split("@");
    return { id, claims: { group } };
  },
});
