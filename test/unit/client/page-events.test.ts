import { afterEach, expect, test, vi } from "vitest";
import { platform } from "../../../clients/typescript/src/platform/browser.js";

class Page extends EventTarget {
  visibilityState = "visible";
}

function page(): { readonly heard: string[]; readonly window: EventTarget; readonly document: Page; stop(): void } {
  const [window, document] = [new EventTarget(), new Page()];
  vi.stubGlobal("addEventListener", window.addEventListener.bind(window));
  vi.stubGlobal("document", document);
  const heard: string[] = [];
  return { heard, window, document, stop: platform.onWake((wake) => heard.push(wake)) };
}

afterEach(() => vi.unstubAllGlobals());

test("a page that is shown, thawed, restored, or gets its network back is a wake", () => {
  const { heard, window, document } = page();
  document.dispatchEvent(new Event("visibilitychange"));
  document.dispatchEvent(new Event("resume"));
  window.dispatchEvent(Object.assign(new Event("pageshow"), { persisted: true }));
  window.dispatchEvent(new Event("online"));
  window.dispatchEvent(new Event("offline"));
  expect(heard).toEqual(["visible", "visible", "visible", "online", "offline"]);
});

test("a page that is hidden, or loaded for the first time, is none, and nothing is heard after the end", () => {
  const { heard, window, document, stop } = page();
  document.visibilityState = "hidden";
  document.dispatchEvent(new Event("visibilitychange"));
  window.dispatchEvent(Object.assign(new Event("pageshow"), { persisted: false }));
  stop();
  window.dispatchEvent(new Event("online"));
  expect(heard).toEqual([]);
});
