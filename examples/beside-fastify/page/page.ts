// The page: logs in with the application's own cookie, shows the posts that the application has, and those that are
// published from then on.
import { connect, type Tide } from "@tidemark/client";
import type { App } from "@tidemark/protocol";
import type { Post } from "../app.js";

const CHANNEL = "wall";

function element<Kind extends HTMLElement>(id: string, kind: new () => Kind): Kind {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`the page lacks #${id}`);
  return found;
}

const login = element("login", HTMLFormElement);
const write = element("write", HTMLFormElement);
const logout = element("logout", HTMLButtonElement);
const posts = element("posts", HTMLOListElement);
const status = element("status", HTMLElement);
const shown = new Set<number>();
let tide: Tide<App> | undefined;

const post = (path: string, body: object = {}): Promise<Response> =>
  fetch(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });

const said = (form: HTMLFormElement): object => Object.fromEntries(new FormData(form));

login.addEventListener("submit", (event) => {
  event.preventDefault();
  void post("/login", said(login)).then(({ ok }) => {
    if (ok) void follow();
    else status.textContent = "wrong name or password";
  });
});
write.addEventListener("submit", (event) => {
  event.preventDefault();
  void post("/posts", said(write)).then(() => write.reset());
});
logout.addEventListener("click", () => {
  tide?.close();
  void post("/logout").then(() => location.reload());
});
// Whoever is logged in stays so when the page is loaded again.
void follow();

async function follow(): Promise<void> {
  const first = await connection();
  if (first === undefined) return;
  login.hidden = true;
  write.hidden = false;
  // Shown once, so each connection asks for another.
  let next: string | undefined = first.token;
  tide = connect({
    url: first.url,
    token: async () => {
      const token = next ?? (await connection())?.token;
      next = undefined;
      if (token === undefined) throw new Error("logged out");
      return token;
    },
  });
  const channel = tide.channel<{ post: Post }>(CHANNEL);
  channel.onMessage(({ data }) => show(data));
  // What was posted before, and what was published while nobody could be told.
  channel.onStatus((now) => {
    status.textContent = now;
    status.dataset["status"] = now;
    if (now === "live") void catchUp();
  });
}

async function connection(): Promise<{ readonly url: string; readonly token: string } | undefined> {
  const answer = await post("/tide-token");
  return answer.ok ? answer.json() : undefined;
}

async function catchUp(): Promise<void> {
  const answer = await fetch("/posts");
  if (!answer.ok) return;
  const kept: readonly Post[] = await answer.json();
  for (const one of kept) show(one);
}

/** In the order of their ids, each once, whichever way it came. */
function show({ id, by, text }: Post): void {
  if (shown.has(id)) return;
  shown.add(id);
  const item = document.createElement("li");
  item.value = id;
  item.textContent = `${by}: ${text}`;
  const after = [...posts.querySelectorAll("li")].find(({ value }) => value > id);
  posts.insertBefore(item, after ?? null);
}
