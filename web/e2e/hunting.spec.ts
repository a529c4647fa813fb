import AxeBuilder from "@axe-core/playwright";
import { expect, type Page, test } from "@playwright/test";

// A hunt from the question to the incident: type a query with completion, run it, draw it, inspect a record, link two
// rows to a new incident, and go hunting from that incident and back. What it makes is resolved again at the end.

const userName = process.env.TOCSIN_USER ?? "admin";
const password = process.env.TOCSIN_PASSWORD ?? "fixture";

/** What went wrong behind the screen fails the test even when nothing shows: a policy that stops a worker, say. */
function watch(page: Page): string[] {
  const faults: string[] = [];
  page.on("pageerror", (error) => faults.push(error.message));
  page.on("console", (message) => {
    // Browsers log who is not signed in (401) and a query that is refused (400) as errors.
    if (message.type() === "error" && !/\b40[01]\b/.test(message.text())) faults.push(message.text());
  });
  return faults;
}

async function check(page: Page, name: string) {
  await page.waitForFunction(() => document.getAnimations().every((animation) => animation.playState !== "running"));
  await page.screenshot({ path: `test-results/${test.info().project.name}/hunting-${name}.png` });
  // The editor draws its text in layers that only its own hidden text box speaks for.
  const { violations } = await new AxeBuilder({ page })
    .exclude("[data-tabster-dummy]")
    .exclude(".monaco-editor")
    .analyze();
  const grave = violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(
      ({ id, help, nodes }) =>
        `${id}: ${help}\n${nodes.map((node) => `   ${node.html}\n   ${node.failureSummary}`).join("\n")}`,
    );
  expect(grave, `${name}: accessibility`).toEqual([]);
  // A phone scrolls down, never sideways.
  const wide = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
  expect(wide, `${name}: wider than the screen`).toBe(false);
}

const phone = () => test.info().project.name.startsWith("phone");

async function openHunting(page: Page) {
  await page.goto("/");
  await page.getByLabel("User name").fill(userName);
  await page.locator("input[name=password]").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("heading", { name: "Incidents", level: 1 })).toBeVisible();
  if (phone()) await page.getByRole("button", { name: "Open navigation" }).click();
  await page.getByRole("link", { name: "Advanced hunting" }).click();
  await expect(page.getByRole("heading", { name: "Advanced hunting", level: 1 })).toBeAttached();
  await expect(page.locator(".monaco-editor .view-lines").first()).toBeVisible();
}

async function write(page: Page, text: string) {
  await page.keyboard.press("Escape"); // what hangs over the editor
  await page
    .locator(".monaco-editor .view-lines")
    .first()
    .click({ position: { x: 20, y: 4 } });
  await page.keyboard.press("ControlOrMeta+A");
  await page.keyboard.press("Delete");
  await page.keyboard.insertText(text);
}

const rowCount = (page: Page) => page.getByRole("region", { name: "Results" }).getByText(/^[\d,]+ rows?$/);

async function run(page: Page) {
  await page.getByRole("button", { name: "Run query" }).first().click();
  await expect(page.getByText(/^Resource use: /)).toBeVisible();
}

const completion = (page: Page, text: string) =>
  page.locator(".suggest-widget .monaco-list-row", { hasText: text }).first();

test("a hunt from the question to the incident and back", async ({ page }) => {
  test.slow(); // it looks at some fifteen pages with axe
  const faults = watch(page);
  await openHunting(page);
  await expect(page.getByRole("heading", { name: "What has been seen" })).toBeVisible();
  await check(page, "start");

  // Completion with the server's tables and their columns; choosing a table begins its first step.
  await page.locator(".monaco-editor .view-lines").first().click();
  await page.keyboard.type("DeviceProc", { delay: 40 });
  await expect(completion(page, "DeviceProcessEvents")).toBeVisible();
  await page.keyboard.press("Enter");
  await page.keyboard.type("where FileN", { delay: 40 });
  await expect(completion(page, "FileName")).toBeVisible();

  // The server says what would fail, while typing and again when it is run.
  await write(page, "DeviceProcessEvents | where FileNam == 'x'");
  await expect(page.locator(".squiggly-error").first()).toBeVisible();
  await page.getByRole("button", { name: "Run query" }).first().click();
  await expect(page.getByText(/Failed to resolve .*'FileNam'/).first()).toBeVisible();
  await check(page, "refused");

  // Two queries in a tab: the one under the cursor runs.
  await write(page, "print never = 1\n\nDeviceProcessEvents\n| where FileName =~ 'svchost.exe'\n| take 200");
  await run(page);
  await expect(rowCount(page)).toHaveText("200 rows");
  const grid = page.getByRole("grid", { name: "Results" });
  await expect(grid.getByRole("columnheader", { name: "FileName", exact: true }).first()).toBeAttached();
  await expect(grid.getByRole("row").nth(2)).toBeVisible();
  await grid.focus();
  await page.keyboard.press("ControlOrMeta+End");
  await expect(grid.getByRole("row").last()).toHaveAttribute("aria-rowindex", "201");
  // The header stays while the rows go.
  await expect(grid.getByRole("columnheader").last()).toBeInViewport();
  await page.keyboard.press("ControlOrMeta+Home");
  await check(page, "results");

  await inspect(page);
  await exportFiles(page);
  await chart(page);
  const id = await link(page);
  await goHunt(page, id);
  await saveAndShare(page);
  await resolve(page, id);
  expect(faults).toEqual([]);
});

async function inspect(page: Page) {
  const grid = page.getByRole("grid", { name: "Results" });
  await grid.focus();
  await page.keyboard.press("Enter");
  const pane = page.getByRole("dialog", { name: "Inspect record" });
  await expect(pane.getByRole("heading", { name: "All details" })).toBeVisible();
  await expect(pane.getByRole("button", { name: /^Go hunt for/ }).first()).toBeVisible();
  await check(page, "inspect");
  await pane.getByRole("button", { name: "Filter by DeviceName", exact: true }).click();
  await page.getByRole("menuitem", { name: "== this value" }).click();
  await pane.getByRole("button", { name: "Close", exact: true }).click();
  await expect(pane).toBeHidden();
  await expect(page.locator(".monaco-editor .view-lines").first()).toContainText("where DeviceName ==");
  await run(page);
  await expect(rowCount(page)).toBeVisible();
}

async function exportFiles(page: Page) {
  for (const [item, end] of [
    ["CSV file", /\.csv$/],
    ["Excel workbook", /\.xlsx$/],
  ] as const) {
    const download = page.waitForEvent("download");
    await page.getByRole("button", { name: "Export" }).click();
    await page.getByRole("menuitem", { name: item }).click();
    expect((await download).suggestedFilename()).toMatch(end);
  }
}

async function chart(page: Page) {
  await write(page, "DeviceProcessEvents\n| summarize Events = count() by bin(Timestamp, 1h)\n| render timechart");
  await run(page);
  await expect(page.getByRole("img", { name: /^Chart of Events by Timestamp/ })).toBeVisible();
  await check(page, "chart");
  await page.getByRole("combobox", { name: "Show as" }).click();
  await page.getByRole("option", { name: "Column chart" }).click();
  await expect(page.getByRole("img", { name: /^Chart of Events by Timestamp/ })).toBeVisible();
}

/** Two rows about one device and one about another would be two alerts; these are whatever comes first. */
async function link(page: Page): Promise<string> {
  await write(page, "DeviceProcessEvents\n| where FileName =~ 'powershell.exe'\n| take 20");
  await run(page);
  await page.getByRole("checkbox", { name: "Select row 1", exact: true }).click();
  await page.getByRole("checkbox", { name: "Select row 2", exact: true }).click();
  await expect(page.getByText("2 selected")).toBeVisible();
  await page.getByRole("button", { name: "Link to incident" }).click();
  const wizard = page.getByRole("dialog", { name: "Link to incident" });
  const title = `Found by hunting ${test.info().project.name}`;
  await wizard.getByLabel("Alert title").fill(title);
  await check(page, "link-alert");
  await wizard.getByRole("button", { name: "Next" }).click();
  await expect(wizard.getByRole("combobox", { name: "Column that names it" }).first()).toHaveText("DeviceName");
  await check(page, "link-entities");
  await wizard.getByRole("button", { name: "Next" }).click();
  await wizard.getByRole("button", { name: /^Create/ }).click();
  await expect(wizard.getByText(/^\d alerts? in incident \d+\.$/)).toBeVisible();
  await check(page, "linked");
  await wizard.getByRole("link", { name: /^Open incident \d+$/ }).click();
  await expect(page).toHaveURL(/\/incidents\/\d+\/alerts$/);
  await expect(page.getByRole("tabpanel").getByText(title).first()).toBeVisible();
  return /\/incidents\/(\d+)\//.exec(page.url())?.[1] ?? "";
}

async function goHunt(page: Page, id: string) {
  await page.getByRole("tabpanel").locator("article button").first().click();
  const alert = page.getByRole("dialog", { name: "Alert" });
  await expect(alert.getByRole("heading", { name: "Query behind this alert" })).toBeVisible();
  await check(page, "alert");
  await page.keyboard.press("Escape");
  await expect(alert).toBeHidden();

  await page.getByRole("tab", { name: /^Evidence/ }).click();
  await expect(page.getByRole("button", { name: /^Go hunt for/ }).first()).toBeVisible();
  await page.getByRole("tab", { name: /^Assets/ }).click();
  await page
    .getByRole("button", { name: /^Go hunt for/ })
    .first()
    .click();
  await expect(page.getByRole("menuitem").first()).toBeVisible();
  await check(page, "go-hunt");
  await page.getByRole("menuitem").first().click();
  await expect(page).toHaveURL(/\/hunting$/);
  await expect(rowCount(page)).toBeVisible();
  await check(page, "hunted");
  await page.getByRole("link", { name: new RegExp(`incident ${id}$`, "i") }).click();
  await expect(page).toHaveURL(new RegExp(`/incidents/${id}/alerts$`));
  await page.goBack();
  await expect(page.locator(".monaco-editor .view-lines").first()).toContainText("let value");
}

/** A saved query, a shared link, and the history of what was run. */
async function saveAndShare(page: Page) {
  const name = `Portal test ${Date.now()}`;
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.getByRole("menuitem", { name: "Save as", exact: true }).click();
  const dialog = page.getByRole("dialog", { name: "Save query" });
  await dialog.getByLabel("Name").fill(name);
  await check(page, "save");
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog).toBeHidden();
  if (phone()) await page.getByRole("button", { name: "Show the schema" }).click();
  await page.getByRole("tab", { name: "Queries" }).click();
  await expect(page.getByRole("button", { name, exact: true }).first()).toBeVisible();
  await check(page, "saved");
  await page.getByRole("button", { name: `Delete ${name}` }).click();
  await page.getByRole("button", { name: "Delete", exact: true }).click();
  await expect(page.getByRole("button", { name: `Delete ${name}` })).toBeHidden();

  await page.getByRole("tab", { name: "Query history" }).click();
  await expect(page.getByRole("region", { name: "Query history" }).getByText("Completed").first()).toBeVisible();
  await check(page, "history");

  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await page.getByRole("button", { name: "Share link" }).click();
  await expect(page.getByText("Link copied")).toBeVisible();
  const shared = await page.evaluate(() => navigator.clipboard.readText());
  expect(shared).toMatch(/\/hunting\?query=/);
  await page.goto(shared);
  await expect(page).toHaveURL(/\/hunting$/);
  await expect(page.locator(".monaco-editor .view-lines").first()).toContainText("let value");
}

async function resolve(page: Page, id: string) {
  const session = await (await page.request.get("/api/v1/session")).json();
  const response = await page.request.fetch(`/v1.0/security/incidents/${id}`, {
    method: "PATCH",
    data: { status: "resolved" },
    headers: { "X-CSRF-Token": session.csrfToken, Origin: new URL(page.url()).origin },
  });
  expect(response.ok()).toBe(true);
}
