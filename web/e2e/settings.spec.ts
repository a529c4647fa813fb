import AxeBuilder from "@axe-core/playwright";
import { expect, type Locator, type Page, test } from "@playwright/test";

// What is set for everybody: points of the priority score, marked assets, device groups, correlation. Each test takes
// back what it did.

const userName = process.env.TOCSIN_USER ?? "admin";
const password = process.env.TOCSIN_PASSWORD ?? "fixture";

async function signIn(page: Page, path: string) {
  await page.goto(path);
  await page.getByLabel("User name").fill(userName);
  await page.locator("input[name=password]").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Settings" })).toBeVisible();
}

async function check(page: Page, name: string) {
  await page.waitForFunction(() => document.getAnimations().every((animation) => animation.playState !== "running"));
  await page.screenshot({ path: `test-results/${test.info().project.name}/settings-${name}.png`, fullPage: true });
  const width = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  expect(width, `${name}: the page scrolls sideways`).toBeLessThanOrEqual(0);
  const { violations } = await new AxeBuilder({ page }).exclude("[data-tabster-dummy]").analyze();
  const grave = violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, help, nodes }) => `${id}: ${help}\n${nodes.map((node) => `   ${node.html}`).join("\n")}`);
  expect(grave, `${name}: accessibility`).toEqual([]);
}

const top = async (field: Locator) => Math.round((await field.boundingBox())?.y ?? -1);

test("changes a point after a look at what it would change, and goes back to the defaults", async ({ page }) => {
  await signIn(page, "/settings/priority");
  const points = page.getByRole("region", { name: "Points", exact: true });
  const high = points.getByLabel("High severity");
  await expect(high).toHaveValue("40");
  const save = points.getByRole("button", { name: "Save" });
  await expect(save).toBeDisabled();
  await high.fill("101");
  await expect(points.getByText("A whole number from 0 to 100.")).toBeVisible();
  await expect(save).toBeDisabled();
  await high.fill("0");
  await points.getByRole("button", { name: "What would change" }).click();
  const preview = points.getByRole("region", { name: "What would change" });
  await expect(preview.getByRole("status")).toContainText(/^[1-9]\d* of \d+ open incidents/);
  await expect(preview.getByRole("row").nth(1)).toContainText(/−[1-9]\d?$/);
  expect((await (await page.request.get("/api/v1/scoring")).json()).scoring.severity.high, "not saved").toBe(40);
  await check(page, "points");
  await high.fill("41");
  await expect(preview, "of other points").toBeHidden();
  await save.click();
  await expect(points.getByText("Saved.")).toBeVisible();
  expect((await (await page.request.get("/api/v1/scoring")).json()).scoring.severity.high).toBe(41);

  await points.getByRole("button", { name: "Back to the defaults" }).click();
  await expect(high).toHaveValue("40");
  await save.click();
  await expect(points.getByText("Saved.")).toBeVisible();
  const { scoring, defaults } = await (await page.request.get("/api/v1/scoring")).json();
  expect(scoring).toEqual(defaults);
});

test("marks an asset, and takes the mark back", async ({ page }) => {
  await signIn(page, "/settings/priority");
  const card = page.getByRole("region", { name: "Marked assets", exact: true });
  const name = `srv-${Date.now()}`;
  await card.getByLabel("Name of the asset").fill(name);
  await card.getByLabel("Mark", { exact: true }).selectOption("honeytoken");
  await card.getByLabel("Reason").fill("Bait");
  await card.getByRole("button", { name: "Mark", exact: true }).click();
  const row = card.getByRole("row", { name });
  await expect(row).toContainText("Honeytoken");
  await expect(row).toContainText("Bait");
  await expect(card.getByLabel("Name of the asset")).toBeFocused();
  await check(page, "marks");
  await row.getByRole("button", { name: /^Remove the mark/ }).click();
  await expect(row).toBeHidden();
});

async function addGroup(page: Page, name: string, value: string) {
  await page.getByRole("button", { name: "Add a group" }).click();
  const pane = page.getByRole("dialog", { name: "New device group" });
  await pane.getByRole("textbox", { name: "Name", exact: true }).fill(name);
  await expect(pane.getByRole("button", { name: "Save" })).toBeDisabled();
  await pane.getByLabel("Comparison of condition 1").selectOption("contains");
  await pane.getByLabel("Value of condition 1").fill(value);
  return pane;
}

test("makes device groups, puts them in order by keyboard, and deletes them", async ({ page }) => {
  await signIn(page, "/settings/devicegroups");
  const stamp = Date.now();
  const [one, two] = [`First ${stamp}`, `Second ${stamp}`];
  let pane = await addGroup(page, one, "e");
  await pane.getByLabel("Remediation level").selectOption("noAutomation");
  await pane.getByRole("button", { name: "Which devices match" }).click();
  await expect(pane.getByText(/^[1-9]\d* of \d+ known devices match/)).toBeVisible();
  await expect(pane.getByRole("list", { name: "Devices that match" }).getByRole("listitem").first()).toBeVisible();
  await check(page, "group-pane");
  await pane.getByRole("button", { name: "Save" }).click();
  await expect(pane).toBeHidden();
  const first = page.getByRole("row", { name: one });
  await expect(first).toContainText("No automated response");
  await expect(first, "devices were put into it").toContainText(/[1-9]\d*$/);

  pane = await addGroup(page, two, "no device has this name");
  await pane.getByRole("button", { name: "Add a condition" }).click();
  await pane.getByLabel("Property of condition 2").selectOption("tag");
  await pane.getByLabel("Value of condition 2").fill("lab");
  await pane.getByLabel("A device must meet").selectOption("any");
  await pane.getByRole("button", { name: "Save" }).click();
  await expect(pane).toBeHidden();
  await expect(page.getByRole("row", { name: two })).toContainText("or Tag starts with lab");

  const earlier = page.getByRole("button", { name: `Ask ${two} earlier` });
  const before = Number(await page.getByRole("row", { name: two }).getByRole("cell").first().textContent());
  await earlier.press("Enter");
  await expect(page.getByText(`${two} is now number ${before - 1} of`)).toBeVisible();
  await expect(earlier).toBeFocused();
  await check(page, "groups");

  await page.getByRole("button", { name: `Edit ${two}` }).click();
  pane = page.getByRole("dialog", { name: `Edit ${two}` });
  await pane.getByRole("textbox", { name: "Name", exact: true }).fill(one.toUpperCase());
  await pane.getByRole("button", { name: "Save" }).click();
  await expect(pane.getByText(/name/i).first(), "two groups of one name").toBeVisible();
  await pane.getByRole("button", { name: "Cancel" }).click();

  for (const name of [one, two]) {
    await page.getByRole("button", { name: `Delete ${name}` }).click();
    const ask = page.getByRole("alertdialog");
    await ask.getByRole("button", { name: "Delete" }).click();
    await expect(ask).toBeHidden();
    await expect(page.getByRole("row", { name })).toBeHidden();
  }
});

test("fields of an exclusion stay in line beside an error, and a rule's grouping is chosen", async ({ page }) => {
  await signIn(page, "/settings/correlation");
  const card = page.getByRole("region", { name: "Never join on these values" });
  await card.getByRole("textbox", { name: "Value", exact: true }).fill("not an address");
  await card.getByLabel("Reason").fill("Test");
  await card.getByRole("button", { name: "Exclude" }).click();
  await expect(card.getByRole("alert").first()).toBeVisible();
  if ((page.viewportSize()?.width ?? 0) > 1100) {
    const value = await top(card.getByRole("textbox", { name: "Value", exact: true }).locator(".."));
    for (const each of [card.getByLabel("Kind").locator(".."), card.getByLabel("Ends").locator("..")]) {
      expect(Math.abs((await top(each)) - value)).toBeLessThanOrEqual(1);
    }
    expect(Math.abs((await top(card.getByRole("button", { name: "Exclude" }))) - value)).toBeLessThanOrEqual(2);
  }
  await check(page, "exclusion-error");

  const rules = page.getByRole("region", { name: "Rules and their correlation" });
  const choice = rules.getByLabel(/^Correlation of /).first();
  const title = ((await choice.getAttribute("aria-label")) ?? "").replace("Correlation of ", "");
  await choice.selectOption("disabled");
  const grouping = rules.getByLabel(`Grouping of ${title}`, { exact: true });
  await grouping.selectOption("entities");
  const frame = rules.getByLabel(`Time frame of ${title}`, { exact: true });
  await frame.selectOption("1440");
  await expect(frame).toHaveValue("1440");
  await page.reload();
  await expect(grouping).toHaveValue("entities");
  await expect(frame).toHaveValue("1440");
  await check(page, "grouping");
  await grouping.selectOption("alert");
  await expect(frame).toBeHidden();
  await rules.getByLabel(`Correlation of ${title}`, { exact: true }).selectOption("default");
  await expect(grouping).toBeHidden();
});
