// Opens a large incident and scrolls through it: node e2e/big.mjs INCIDENT, with TOCSIN_URL, TOCSIN_USER and
// TOCSIN_PASSWORD. Prints milliseconds as JSON: until the first content, until the first alert, until all alerts are
// read, and the 50th and 95th of a hundred frames while scrolling.
import { chromium } from "@playwright/test";

const base = process.env.TOCSIN_URL;
const incident = process.argv[2];
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
});
const page = await (await browser.newContext({ viewport: { width: 1440, height: 900 } })).newPage();
await page.goto(base);
await page.getByLabel("User name").fill(process.env.TOCSIN_USER);
await page.locator("input[name=password]").fill(process.env.TOCSIN_PASSWORD);
await page.getByRole("button", { name: "Sign in" }).click();
await page.getByRole("heading", { name: "Incidents" }).waitFor();

const begun = Date.now();
await page.goto(`${base}/incidents/${incident}/alerts`);
await page.getByRole("button", { name: "Manage incident" }).waitFor();
const first = Date.now() - begun;
await page.getByRole("list", { name: "Alerts in order of time" }).getByRole("article").first().waitFor();
const alert = Date.now() - begun;
if (process.env.SHOT) await page.screenshot({ path: process.env.SHOT });
await page.getByText("Reading alerts:").waitFor({ state: "detached", timeout: 120_000 });
const all = Date.now() - begun;
const frames = await page.evaluate(async () => {
  const main = document.getElementById("main");
  const took = [];
  let before = performance.now();
  for (let i = 0; i < 100; i++) {
    main.scrollTop += 400;
    await new Promise(requestAnimationFrame);
    const now = performance.now();
    took.push(now - before);
    before = now;
  }
  return took.sort((a, b) => a - b);
});
if (process.env.SHOT) await page.screenshot({ path: process.env.SHOT.replace(".png", "-scrolled.png") });
console.log(
  JSON.stringify({
    "first-content-ms": first,
    "first-alert-ms": alert,
    "all-alerts-ms": all,
    "frame-p50-ms": frames[49],
    "frame-p95-ms": frames[94],
  }),
);
await browser.close();
