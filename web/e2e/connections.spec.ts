import AxeBuilder from "@axe-core/playwright";
import { expect, type Page, test } from "@playwright/test";

// Why alerts are together, and changing it: merge from the incident's page, see why, undo; cut the weakest link, undo;
// move an alert out, undo. Each test leaves the incidents as it found them.

async function signIn(page: Page) {
  await page.goto("/incidents");
  await page.getByLabel("User name").fill(process.env.TOCSIN_USER ?? "admin");
  await page.locator("input[name=password]").fill(process.env.TOCSIN_PASSWORD ?? "fixture");
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("heading", { name: "Incidents", level: 1 })).toBeVisible();
}

async function check(page: Page, name: string) {
  await page.waitForFunction(() => document.getAnimations().every((animation) => animation.playState !== "running"));
  await page.screenshot({ path: `test-results/${test.info().project.name}/${name}.png` });
  const { violations } = await new AxeBuilder({ page }).exclude("[data-tabster-dummy]").analyze();
  const grave = violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join("\n")}`);
  expect(grave, `${name}: accessibility`).toEqual([]);
}

interface Found {
  id: string;
  displayName: string;
  tocsin: { alertCount: number };
}

/** The open incidents, those with most alerts first. */
async function incidents(page: Page): Promise<Found[]> {
  const filter = encodeURIComponent("status ne 'resolved' and status ne 'redirected'");
  const list: Found[] = (await (await page.request.get(`/v1.0/security/incidents?$top=50&$filter=${filter}`)).json())
    .value;
  return list.toSorted((a, b) => b.tocsin.alertCount - a.tocsin.alertCount);
}

const alertsOf = (page: Page) =>
  page
    .getByRole("tab", { name: /^Alerts/ })
    .textContent()
    .then((text) => Number(/\d+/.exec(text ?? "")?.[0]));

async function undo(page: Page, alerts: number) {
  await page.getByRole("button", { name: "Undo" }).first().click();
  await expect.poll(() => alertsOf(page)).toBe(alerts);
}

test("C10, C16: merge from the incident's page, see why, undo", async ({ page }) => {
  await signIn(page);
  const [large, ...rest] = await incidents(page);
  const small = rest.at(-1);
  if (!large || !small) throw new Error("two open incidents are needed");
  await page.goto(`/incidents/${small.id}/alerts`);
  await page.getByRole("button", { name: "More actions" }).click();
  await page.getByRole("menuitem", { name: "Merge…" }).click();
  const dialog = page.getByRole("dialog", { name: /^Merge incident/ });
  await expect(dialog.getByRole("button", { name: "Merge" })).toBeDisabled();
  await dialog.getByRole("combobox").pressSequentially(large.id);
  await page.getByRole("option", { name: new RegExp(`^${large.id} `) }).click();
  await dialog.getByRole("textbox", { name: "Why?" }).fill("One campaign");
  await dialog.getByRole("checkbox", { name: "Same actor" }).check();
  await check(page, "merge-with");
  await dialog.getByRole("button", { name: "Merge" }).click();
  // The open page goes to the incident that stays.
  await expect(page).toHaveURL(new RegExp(`/incidents/${large.id}/`));
  await expect.poll(() => alertsOf(page)).toBe(large.tocsin.alertCount + small.tocsin.alertCount);
  await page.getByRole("tab", { name: "Connections" }).click();
  await expect(
    page.getByText(new RegExp(`It came with incident ${small.id}, which was merged into this one`)).first(),
  ).toBeVisible();
  await check(page, "connections-merged");
  await undo(page, large.tocsin.alertCount);
});

test("C04: cut the weakest link, undo", async ({ page }) => {
  await signIn(page);
  const [large] = await incidents(page);
  if (!large) throw new Error("an open incident is needed");
  await page.goto(`/incidents/${large.id}/connections`);
  const weakest = page.getByRole("region", { name: "The weakest link" });
  await expect(weakest).toBeVisible();
  await check(page, "connections");
  await weakest.getByRole("button", { name: /^Cut/ }).click();
  const dialog = page.getByRole("dialog", { name: "Cut this link" });
  await expect(dialog.getByRole("heading", { name: /^Become a new incident/ })).toBeVisible();
  const text = (await dialog.getByRole("heading", { name: /^Become a new incident/ }).textContent()) ?? "";
  const gone = Number(text.replace(/\D/g, ""));
  await dialog.getByRole("textbox", { name: "Why?" }).fill("Not one story");
  await check(page, "connections-cut");
  await dialog.getByRole("button", { name: "Cut and split" }).click();
  await expect(page.getByText(/Split off .* into/)).toBeVisible();
  await expect.poll(() => alertsOf(page)).toBe(large.tocsin.alertCount - gone);
  await undo(page, large.tocsin.alertCount);
});

test("C17, C18: ask why an alert is here, move it to a new incident, undo", async ({ page }) => {
  await signIn(page);
  const [large] = await incidents(page);
  if (!large) throw new Error("an open incident is needed");
  await page.goto(`/incidents/${large.id}/alerts`);
  await page.getByRole("link", { name: "Why is this here?" }).last().click();
  await expect(page.getByRole("heading", { name: /^Why is .* here\?$/ })).toBeVisible();
  await expect(page.getByText("The incident began with this alert.").first()).toBeVisible();
  await check(page, "connections-why");
  await page.getByRole("tab", { name: /^Alerts/ }).click();
  const last = page.getByRole("checkbox", { name: /^Select/ }).last();
  await last.check();
  const title = ((await last.getAttribute("aria-label")) ?? "").replace("Select ", "");
  await page.getByRole("button", { name: "Move…" }).click();
  const dialog = page.getByRole("dialog", { name: "Move 1 alert" });
  await dialog.getByRole("radio", { name: "To a new incident" }).check();
  await check(page, "move");
  await dialog.getByRole("button", { name: "Move" }).click();
  await expect(page.getByText("Moved 1 alert to")).toBeVisible();
  await expect.poll(() => alertsOf(page)).toBe(large.tocsin.alertCount - 1);
  const fresh = (await incidents(page)).find(({ displayName }) => displayName === title);
  expect(fresh, "the new incident is named from the alert").toBeTruthy();
  await undo(page, large.tocsin.alertCount);
});
