import { readFileSync } from "node:fs";
import AxeBuilder from "@axe-core/playwright";
import { expect, type Page, test } from "@playwright/test";

// The queues: columns, filters, named sets, export, pane, nested alerts, and triage of ten incidents by keyboard alone.
// Everything is put back, so that the tests can be run again.

const userName = process.env.TOCSIN_USER ?? "admin";
const password = process.env.TOCSIN_PASSWORD ?? "fixture";

async function signIn(page: Page, at = "/incidents") {
  await page.goto(at);
  await page.getByLabel("User name").fill(userName);
  await page.locator("input[name=password]").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.locator("[data-id]").first()).toBeVisible();
}

async function axe(page: Page, name: string) {
  await page.waitForFunction(() => document.getAnimations().every((animation) => animation.playState !== "running"));
  await page.screenshot({ path: `test-results/${test.info().project.name}/${name}.png` });
  const { violations } = await new AxeBuilder({ page }).exclude("[data-tabster-dummy]").analyze();
  const grave = violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join("\n")}`);
  expect(grave, `${name}: accessibility`).toEqual([]);
}

const ids = (page: Page) =>
  page.locator("[data-id]").evaluateAll((rows) => rows.map((row) => row.getAttribute("data-id")));
const heads = (page: Page) => page.locator("thead th").allInnerTexts();
const total = (page: Page) => page.locator("h1 + [role=status]");

test.beforeEach(({ page: _ }, info) => {
  test.skip(info.project.name === "phone", "tables and keys are for wide screens");
});

test("Q05 columns are unchecked, dragged, moved by key, and remembered", async ({ page }) => {
  await signIn(page);
  const menu = page.getByRole("button", { name: "Columns" });
  await menu.click();
  await page.getByRole("button", { name: "Back to the usual columns" }).click();
  await page.getByRole("checkbox", { name: "Severity" }).click();
  await page.getByRole("button", { name: "Move Status forward" }).focus();
  await page.keyboard.press("Enter");
  await page
    .getByText("Last update", { exact: true })
    .last()
    .dragTo(page.getByText("ID", { exact: true }).last());
  await axe(page, "queue-columns");
  await page.keyboard.press("Escape");
  const chosen = await heads(page);
  expect(chosen.slice(1, 6)).toEqual(["Incident name", "Last update", "ID", "Status", "Priority"]);
  await page.waitForLoadState("networkidle").catch(() => {});
  await page.reload();
  await expect.poll(() => heads(page)).toEqual(chosen);
  await menu.click();
  await page.getByRole("button", { name: "Back to the usual columns" }).click();
  await page.keyboard.press("Escape");
  await expect(page.locator("thead")).toContainText("Severity");
});

test("Q14 Q15 filters are added, removed and reset, and travel in the address", async ({ page, browser }) => {
  await signIn(page);
  const before = await total(page).innerText();
  await page.getByRole("button", { name: "Add filter" }).click();
  await page.getByRole("menuitem", { name: "Category", exact: true }).click();
  await page.getByRole("button", { name: /^Category:/ }).click();
  const first = page.getByRole("menuitemcheckbox").first();
  await expect(first).toContainText(/\d/);
  const hits = Number(/(\d+)/.exec((await first.innerText()).replaceAll(",", ""))?.[1]);
  await first.click();
  await page.keyboard.press("Escape");
  await expect(total(page)).toHaveText(new RegExp(`^${hits} incident`));
  await page.getByRole("button", { name: /^Severity:/ }).click();
  await page.getByRole("menuitemcheckbox", { name: /^Low/ }).click();
  await page.keyboard.press("Escape");
  await expect(page).toHaveURL(/severity=/);
  const rows = await ids(page);
  const link = page.url();

  // A fresh session sees what the link says.
  const other = await (await browser.newContext()).newPage();
  await signIn(other, link);
  await expect.poll(() => ids(other)).toEqual(rows);
  await expect(other.getByRole("button", { name: "Remove filter Category" })).toBeVisible();
  await other.context().close();

  await page.getByRole("button", { name: "Remove filter Severity" }).click();
  await expect(page).not.toHaveURL(/severity=/);
  await expect(page).toHaveURL(/category=/);
  await page.getByRole("button", { name: "Reset all" }).click();
  await expect(page).not.toHaveURL(/category=/);
  await expect(total(page)).toHaveText(before);
});

test("Q16 a named set is saved, applied, renamed, opens first, and is deleted", async ({ page, browser }) => {
  await signIn(page, "/incidents?severity=medium");
  const rows = await ids(page);
  const name = `Medium ${Date.now()}`;
  await page.getByRole("button", { name: "Saved filters" }).click();
  await page.getByRole("menuitem", { name: "Save these filters…" }).click();
  await page.getByRole("dialog").getByRole("textbox", { name: /^Name/ }).fill(name);
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await expect(page.getByRole("dialog")).toBeHidden();

  const other = await (await browser.newContext()).newPage();
  await signIn(other);
  await other.getByRole("button", { name: "Saved filters" }).click();
  await other.getByRole("menuitem", { name }).click();
  await expect(other).toHaveURL(/severity=medium/);
  await expect.poll(() => ids(other)).toEqual(rows);
  await other.getByRole("button", { name: "Saved filters" }).click();
  await other.getByRole("menuitem", { name: "Manage saved filters…" }).click();
  await other.getByRole("checkbox", { name: `${name} opens first` }).click();
  await axe(other, "queue-sets");
  await other.getByRole("button", { name: "Done" }).click();
  await other.goto("/incidents");
  await expect(other).toHaveURL(/severity=medium/);
  await other.getByRole("button", { name: "Reset all" }).click();
  await expect(other).not.toHaveURL(/severity=medium/);

  await other.getByRole("button", { name: "Saved filters" }).click();
  await other.getByRole("menuitem", { name: "Manage saved filters…" }).click();
  await other.getByRole("checkbox", { name: `${name} opens first` }).click();
  await other.getByRole("button", { name: `Rename ${name}` }).click();
  await other.getByLabel(`New name of ${name}`).fill(`${name} new`);
  await other.keyboard.press("Enter");
  await other.getByRole("button", { name: `Delete ${name} new` }).click();
  await expect(other.getByText(`${name} new`)).toBeHidden();
  await other.context().close();
});

test("Q19 the export has the rows and columns that are shown", async ({ page }) => {
  await signIn(page, "/incidents?severity=medium");
  const rows = await ids(page);
  const shown = (await heads(page)).slice(1).map((text) => text.trim());
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: "Export" }).click(),
  ]);
  const lines = readFileSync(await download.path(), "utf8")
    .replace("\ufeff", "")
    .trim()
    .split("\n");
  expect(lines.length - 1).toBe(rows.length);
  const columns = lines[0]?.split(",") ?? [];
  expect(columns.length).toBe(shown.length);
  const at = columns.indexOf("ID");
  expect(at).toBeGreaterThan(0);
  await expect(page.getByText(`Exported ${rows.length} incident`)).toBeVisible();
});

test("Q20 the pane's arrows go through the filtered list", async ({ page }) => {
  await signIn(page, "/incidents?severity=medium");
  const rows = await ids(page);
  await page.locator(`tr[data-id="${rows[1]}"] td`).nth(3).click();
  const open = (id: string | null | undefined) =>
    expect(page.getByRole("dialog", { name: `Incident ${id}`, exact: true })).toBeVisible();
  await open(rows[1]);
  await page.getByRole("button", { name: "Next incident" }).click();
  await open(rows[2]);
  await page.getByRole("button", { name: "Previous incident" }).click();
  await page.getByRole("button", { name: "Previous incident" }).click();
  await open(rows[0]);
});

test("Q21 a row opens to its alerts with boxes", async ({ page }) => {
  await signIn(page);
  const row = page.locator("tr[data-id]").first();
  const id = await row.getAttribute("data-id");
  await row.getByRole("button", { name: `Alerts of incident ${id}` }).click();
  const boxes = page.getByRole("list", { name: `Alerts of incident ${id}` }).getByRole("checkbox");
  await expect(boxes.first()).toBeVisible();
  await boxes.first().check();
  await expect(total(page)).toContainText("1 alert selected");
  await axe(page, "queue-expanded");
});

test("Q23 checked rows bring Manage, and two of them Merge", async ({ page }) => {
  await signIn(page);
  const manage = page.getByRole("button", { name: "Manage", exact: true });
  const merge = page.getByRole("button", { name: "Merge", exact: true });
  const boxes = page.locator("tr[data-id]").getByRole("checkbox", { name: /^Select incident/ });
  await expect(manage).toBeHidden();
  await boxes.nth(0).check();
  await expect(manage).toBeEnabled();
  await expect(merge).toBeHidden();
  await boxes.nth(1).check();
  await expect(manage).toBeEnabled();
  await expect(merge).toBeEnabled();
});

test("A01 A02 the alerts queue", async ({ page }) => {
  await signIn(page, "/alerts");
  const all = Number(/\d+/.exec((await total(page).innerText()).replaceAll(",", ""))?.[0]);
  await page.getByRole("button", { name: /^Severity:/ }).click();
  const high = page.getByRole("menuitemcheckbox", { name: /^High/ });
  await expect(high).toContainText(/\d/);
  const hits = Number(/(\d+)/.exec(await high.innerText())?.[1]);
  expect(hits).toBeLessThan(all);
  await high.click();
  await page.keyboard.press("Escape");
  await expect(total(page)).toHaveText(new RegExp(`^${hits} alert`));
  await axe(page, "alerts");
  await page.locator("tr[data-id] td:nth-child(2)").first().click();
  await expect(page.getByRole("dialog", { name: "Alert", exact: true })).toBeVisible();
  await axe(page, "alerts-pane");
  await page.getByRole("button", { name: "Open in its incident" }).click();
  await expect(page).toHaveURL(/\/incidents\/\d+\/alerts\?alert=/);
});

test("ten incidents are triaged by keyboard alone", async ({ page }) => {
  await signIn(page, "/incidents?status=any&severity=any&range=all&sort=id");
  const rows = (await ids(page)).slice(0, 10);
  const read = (id: string | null) =>
    page.evaluate(async (at) => (await fetch(`/v1.0/security/incidents/${at}`)).json(), id) as Promise<{
      status: string;
      assignedTo: string | null;
      classification: string;
    }>;
  const before = await Promise.all(rows.map(read));

  // Shortcuts do nothing while somebody types.
  await page.keyboard.press("/");
  await page.keyboard.type("?a");
  await expect(page.getByRole("searchbox")).toHaveValue("?a");
  await expect(page.getByRole("dialog")).toBeHidden();
  await page.keyboard.press("Control+A");
  await page.keyboard.press("Delete");
  await expect(page).not.toHaveURL(/q=/);
  await expect.poll(async () => (await ids(page)).slice(0, 10)).toEqual(rows);
  await page.locator("h1").click();

  await page.keyboard.press("?");
  await expect(page.getByRole("dialog")).toContainText("Keyboard shortcuts");
  await axe(page, "queue-shortcuts");
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toBeHidden();

  for (const [n, id] of rows.entries()) {
    await page.keyboard.press("j");
    await expect(page.locator(`tr[data-id="${id}"]`)).toBeFocused();
    await page.keyboard.press("Enter");
    const pane = page.getByRole("dialog", { name: `Incident ${id}`, exact: true });
    await expect(pane).toBeVisible();
    await page.keyboard.press("Escape");
    await expect(pane).toBeHidden();
    await page.locator(`tr[data-id="${id}"]`).evaluate((row) => row.isConnected);
    await page.keyboard.press("a");
    await expect.poll(async () => (await read(id)).assignedTo).toBe(userName);
    await expect(page.locator(`tr[data-id="${id}"]`)).toContainText(userName);
    await page.keyboard.press("c");
    await expect(page.getByRole("dialog")).toContainText(`Classification of incident ${id}`);
    if (n % 2 === 1) await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await expect(page.getByRole("dialog")).toBeHidden();
    await page.keyboard.press("s");
    await expect(page.getByRole("dialog")).toContainText(`Status of incident ${id}`);
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await expect(page.getByRole("dialog")).toBeHidden();
    await expect.poll(async () => (await read(id)).status).not.toBe(before[n]?.status);
    expect((await read(id)).classification).not.toBe("unknown");
  }

  const token = ((await page.evaluate(async () => (await fetch("/api/v1/session")).json())) as { csrfToken: string })
    .csrfToken;
  for (const [n, id] of rows.entries()) {
    await page.evaluate(
      async ([at, csrf, old]) =>
        fetch(`/v1.0/security/incidents/${at}`, {
          method: "PATCH",
          headers: { "Content-Type": "application/json", "X-CSRF-Token": csrf as string },
          body: JSON.stringify(old),
        }),
      [
        id,
        token,
        { status: before[n]?.status, assignedTo: before[n]?.assignedTo, classification: before[n]?.classification },
      ] as const,
    );
  }
});
