// A real browser that comes with the packages: Chromium, headless.
import chromium from "@sparticuz/chromium";
import { type Browser, chromium as launcher } from "playwright-core";

/** Starts one. */
export async function startBrowser(): Promise<Browser> {
  return launcher.launch({
    executablePath: await chromium.executablePath(),
    // Not the package's own arguments: those are for functions that open one page and end.
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
    headless: true,
  });
}
