// Takes a picture of every screen, in both looks and at both widths: node e2e/shots.mjs OUTDIR
// TOCSIN_URL, TOCSIN_USER and TOCSIN_PASSWORD say which server to look at; without them, the fixture's.
import { mkdirSync } from "node:fs";
import { chromium } from "@playwright/test";

const out = process.argv[2] ?? "test-results/shots";
const only = process.argv[3];
const base = process.env.TOCSIN_URL ?? "http://127.0.0.1:8137";
const user = process.env.TOCSIN_USER ?? "admin";
const password = process.env.TOCSIN_PASSWORD ?? "fixture";
mkdirSync(out, { recursive: true });

const args = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args });

for (const [width, height] of [
  [1440, 900],
  [390, 844],
]) {
  for (const look of ["light", "dark"]) {
    const context = await browser.newContext({ viewport: { width, height }, colorScheme: look });
    const page = await context.newPage();
    page.on("console", (message) => message.type() === "error" && console.log(`[${look} ${width}]`, message.text()));
    page.on("pageerror", (error) => console.log(`[${look} ${width}]`, error.message));
    const shot = async (name, prepare) => {
      if (only && name !== "signin" && !name.includes(only)) return;
      await prepare?.();
      await page.waitForTimeout(450);
      await page.screenshot({ path: `${out}/${name}-${look}-${width}.png` });
    };
    await page.goto(base);
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
    await shot("signin");
    await page.getByLabel("User name").fill(user);
    await page.locator("input[name=password]").fill(password);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("heading", { name: "Incidents" }).waitFor();
    await page.locator("[data-id]").first().waitFor();
    await shot("queue");
    const id = await page.locator("[data-id]").first().getAttribute("data-id");
    await shot("strip", () => page.getByRole("button", { name: "Last 24 hours" }).click());
    if (width > 1000) {
      await page.getByRole("button", { name: "Last 24 hours" }).click();
      await shot("expanded", () => page.getByRole("button", { name: `Alerts of incident ${id}` }).click());
      await shot("columns", () => page.getByRole("button", { name: "Columns" }).click());
      await page.keyboard.press("Escape");
    }
    await page.goto(`${base}/incidents?show=${id}`);
    await shot("pane", () =>
      page
        .getByRole("dialog")
        .or(page.getByLabel(`Incident ${id}`, { exact: true }))
        .first()
        .waitFor(),
    );
    await page.goto(`${base}/incidents?q=zzzz`);
    await shot("empty");
    for (const tab of ["alerts", "assets", "evidence", "activity", "comments"]) {
      await page.goto(`${base}/incidents/${id}/${tab}`);
      await shot(tab, () => page.getByRole("tabpanel").waitFor());
    }
    await page.goto(`${base}/incidents/${id}/alerts`);
    await shot("alertpane", async () => {
      await page.getByRole("tabpanel").locator("article button").nth(4).click();
      await page.getByText("Details").last().waitFor();
    });
    await page.goto(`${base}/incidents/${id}/alerts`);
    await shot("manage", async () => {
      await page.getByRole("button", { name: "Manage incident" }).click();
      await page.getByLabel("Status", { exact: true }).selectOption("resolved");
      await page.getByLabel("Classification").selectOption("truePositive");
    });
    await page.goto(`${base}/data`);
    await shot("data", () => page.getByRole("heading", { name: "Events by table" }).waitFor());
    await context.close();
  }
}
await browser.close();
