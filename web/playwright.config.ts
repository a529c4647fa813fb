import { defineConfig } from "@playwright/test";

// The tests drive a server that is already there: TOCSIN_URL, TOCSIN_USER and TOCSIN_PASSWORD say which. The browser is
// the system's, because Playwright's own downloads are no part of the set-up.
const args = [
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export default defineConfig({
  testDir: "e2e",
  outputDir: "test-results/output",
  timeout: 180_000,
  expect: { timeout: 15_000 },
  workers: 1, // the tests change one incident in turn
  retries: 0,
  forbidOnly: Boolean(process.env.CI),
  reporter: [["list"]],
  use: {
    baseURL: process.env.TOCSIN_URL ?? "http://127.0.0.1:8137",
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
      // Chromium's own sandbox refuses to start for root.
      args: process.getuid?.() === 0 ? [...args, "--no-sandbox"] : args,
    },
    trace: "retain-on-failure",
  },
  projects: [
    { name: "light", use: { colorScheme: "light", viewport: { width: 1440, height: 900 } } },
    { name: "dark", use: { colorScheme: "dark", viewport: { width: 1440, height: 900 } } },
    { name: "phone", use: { colorScheme: "light", viewport: { width: 390, height: 844 }, hasTouch: true } },
  ],
});
