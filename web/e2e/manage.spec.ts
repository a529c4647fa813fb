import AxeBuilder from "@axe-core/playwright";
import { expect, type Page, test } from "@playwright/test";

// Many incidents changed at once and taken back; two people on one incident; tasks and a formatted comment.

const userName = process.env.TOCSIN_USER ?? "admin";
const password = process.env.TOCSIN_PASSWORD ?? "fixture";

async function signIn(page: Page, path: string) {
  await page.goto(path);
  await page.getByLabel("User name").fill(userName);
  await page.locator("input[name=password]").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  await expect(page.getByRole("heading", { name: "Sign in" })).toBeHidden();
}

async function patch(page: Page, path: string, data: object) {
  const session = await (await page.request.get("/api/v1/session")).json();
  const response = await page.request.patch(path, {
    data,
    headers: { "X-CSRF-Token": session.csrfToken, Origin: new URL(page.url()).origin },
  });
  expect(response.ok(), `${path}: ${response.status()} ${await response.text()}`).toBe(true);
}

async function check(page: Page, name: string) {
  await page.waitForFunction(() => document.getAnimations().every((animation) => animation.playState !== "running"));
  await page.screenshot({ path: `test-results/${test.info().project.name}/manage-${name}.png` });
  const { violations } = await new AxeBuilder({ page }).exclude("[data-tabster-dummy]").analyze();
  const grave = violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, help, nodes }) => `${id}: ${help}\n${nodes.map((node) => `   ${node.html}`).join("\n")}`);
  expect(grave, `${name}: accessibility`).toEqual([]);
}

async function statuses(page: Page): Promise<string> {
  const page1 = await (await page.request.get("/v1.0/security/incidents?$top=200&$orderby=id")).json();
  return page1.value.map((each: { id: string; status: string }) => `${each.id} ${each.status}`).join("\n");
}

// M12
test("closes all that match, goes elsewhere meanwhile, and undoes it", async ({ page }) => {
  await signIn(page, "/incidents?status=any&severity=any&range=all");
  await expect(page.locator("[data-id]").first()).toBeVisible();
  const before = await statuses(page);
  await page.getByRole("button", { name: "Manage all" }).click();
  const panel = page.getByRole("dialog", { name: "Manage incidents" });
  await panel.getByLabel("Status").selectOption("resolved");
  await panel.getByLabel("Resolution note").fill("Storm of one sensor");
  await check(page, "bulk");
  await panel.getByRole("button", { name: /^Change / }).click();
  await expect(panel).toBeHidden();
  await page.goto("/data");
  const bar = page.getByRole("region", { name: "Change of many" });
  await expect(bar.getByRole("status")).toContainText("finished");
  await check(page, "bulk-done");
  await bar.getByRole("button", { name: "Details" }).click();
  const details = page.getByRole("dialog");
  await details.getByRole("tab", { name: "Changed", exact: true }).click();
  await expect(details.getByRole("listitem").first()).toBeVisible();
  await details.getByRole("button", { name: "Close" }).click();
  await bar.getByRole("button", { name: "Undo" }).click();
  await expect(bar.getByRole("status")).toContainText(/Undo of .* finished/);
  expect(await statuses(page)).toBe(before);
});

async function firstIncident(page: Page): Promise<string> {
  const list = await (await page.request.get("/v1.0/security/incidents?$top=1&$orderby=id")).json();
  return list.value[0].id;
}

// M15
test("two people on one incident see each other, and lose nothing", async ({ page, browser }) => {
  await signIn(page, "/incidents");
  const id = await firstIncident(page);
  const before = await (await page.request.get(`/v1.0/security/incidents/${id}`)).json();
  const context = await browser.newContext();
  const other = await context.newPage();
  await signIn(other, `/incidents/${id}/alerts`);
  await page.goto(`/incidents/${id}/alerts`);
  await expect(page.getByText("Here now: You, in another window")).toBeVisible();

  const open = async (at: Page) => {
    await at.getByRole("button", { name: "Manage incident" }).click();
    return at.getByRole("dialog", { name: "Manage incident" });
  };
  const mine = await open(page);
  const theirs = await open(other);
  const stamp = `${test.info().project.name} ${Date.now()}`;
  await theirs.getByLabel("Incident name").fill(`Theirs ${stamp}`);
  await theirs.getByLabel("Severity").selectOption("medium");
  await theirs.getByRole("button", { name: "Save" }).click();
  await expect(theirs).toBeHidden();

  await mine.getByLabel("Incident name").fill(`Mine ${stamp}`);
  await mine.getByLabel("Status").selectOption("inProgress");
  await mine.getByRole("button", { name: "Save" }).click();
  await expect(mine.getByText("Somebody else changed this incident")).toBeVisible();
  await expect(mine.getByLabel(/^Theirs: Theirs .*admin/)).toBeVisible();
  await check(page, "conflict");
  await mine.getByRole("button", { name: "Save my choices" }).click();
  await expect(mine).toBeHidden();
  const now = await (await page.request.get(`/v1.0/security/incidents/${id}`)).json();
  expect([now.displayName, now.severity, now.status]).toEqual([`Mine ${stamp}`, "medium", "inProgress"]);
  await context.close();
  // Other tests look for the attack by how severe it is.
  const { displayName, severity } = before;
  await patch(page, `/v1.0/security/incidents/${id}`, { displayName, severity, status: "active" });
});

// T01, M13
test("adds a task, closes it with notes, and posts a formatted comment", async ({ page }) => {
  await signIn(page, "/incidents");
  const id = await firstIncident(page);
  await page.goto(`/incidents/${id}/comments`);
  await page.getByRole("button", { name: /^Tasks/ }).click();
  const pane = page.getByRole("dialog", { name: "Tasks" });
  await pane.getByRole("button", { name: "Add a task" }).click();
  const title = `Isolate the host ${Date.now()}`;
  await pane.getByLabel("Title").fill(title);
  await pane.getByLabel("Description").fill("Before **noon**, see [the guide](https://example.com/guide)");
  await pane.getByRole("button", { name: "Add", exact: true }).click();
  const card = pane.getByRole("article", { name: title });
  await expect(card.locator("strong")).toHaveText("noon");
  await check(page, "tasks");
  await card.getByRole("button", { name: "Edit" }).click();
  const form = pane.getByRole("form", { name: `Edit ${title}` });
  await form.getByLabel("Status").selectOption("closed");
  await form.getByLabel("Closing notes").fill("Isolated");
  await form.getByRole("button", { name: "Save" }).click();
  await expect(card.getByText("Isolated")).toBeVisible();
  await card.getByRole("button", { name: "Delete" }).click();
  await card.getByRole("button", { name: "Delete this task" }).click();
  await expect(card).toBeHidden();
  await pane.getByRole("button", { name: "Close" }).click();

  await page.getByLabel("Add a comment").fill("**Bad** [x](javascript:alert(1)) <script>alert(1)</script>");
  await page.getByRole("button", { name: "Preview" }).click();
  await expect(page.getByRole("region", { name: "Preview" }).locator("strong")).toHaveText("Bad");
  await page.getByRole("button", { name: "Post comment" }).click();
  const posted = page.getByRole("article").last();
  await expect(posted.locator("strong")).toHaveText("Bad");
  await expect(posted).toContainText("<script>alert(1)</script>");
  await expect(posted.locator("a")).toHaveCount(0);
  await check(page, "comments");
});

// M14
test("creates an incident by hand, and adds an alert to it", async ({ page }) => {
  await signIn(page, "/incidents");
  const open = async () => {
    await page.getByRole("button", { name: "Create", exact: true }).click();
    return page.getByRole("dialog", { name: "Create an incident or alert" });
  };
  let dialog = await open();
  await dialog.getByRole("button", { name: "Create", exact: true }).click();
  await expect(dialog.getByText("Give it a title")).toBeVisible();
  await expect(dialog.getByText("Name at least one asset")).toBeVisible();
  const title = `Told on the phone ${test.info().project.name} ${Date.now()}`;
  await dialog.getByLabel("Title").fill(title);
  await dialog.getByLabel("Severity").selectOption("high");
  await dialog.getByLabel("Category").selectOption("Execution");
  await dialog.getByLabel("MITRE techniques").fill("T1059.001, t1566");
  await dialog.getByLabel("Description").fill("A colleague saw a window of PowerShell.");
  await dialog.getByLabel("Name of the device").fill("front-desk-7.example");
  await dialog.getByRole("button", { name: "Add evidence" }).click();
  await dialog.getByLabel("Name of the ip address").fill("no address");
  await dialog.getByRole("button", { name: "Create", exact: true }).click();
  await expect(dialog.getByRole("alert")).toContainText("no address");
  await dialog.getByLabel("Name of the ip address").fill("203.0.113.9");
  await dialog.getByLabel("Title").scrollIntoViewIfNeeded();
  await check(page, "create");
  await dialog.getByRole("button", { name: "Create", exact: true }).click();
  await expect(page).toHaveURL(/\/incidents\/\d+\/alerts\?alert=/);
  const incident = /incidents\/(\d+)/.exec(page.url())?.[1] ?? "";
  const pane = page.getByRole("dialog", { name: "Alert" });
  await expect(
    pane
      .getByText("Made by a person", { exact: false })
      .or(pane.getByText("made by a person", { exact: false }))
      .first(),
  ).toBeVisible();
  await check(page, "created");
  const made = await (await page.request.get(`/v1.0/security/incidents/${incident}?$expand=alerts`)).json();
  expect(
    made.alerts.map((each: { title: string; detectionSource: string; mitreTechniques: string[] }) => [
      each.title,
      each.detectionSource,
      each.mitreTechniques,
    ]),
  ).toEqual([[title, "manual", ["T1059.001", "T1566"]]]);

  await page.goto("/incidents");
  dialog = await open();
  await dialog.getByLabel("Add an alert to an open incident").check();
  await dialog.getByLabel("Which incident").click();
  await page.keyboard.type(incident);
  await page.getByRole("option", { name: new RegExp(`^${incident} `) }).click();
  await dialog.getByLabel("Title").fill(`${title}, again`);
  await dialog.getByLabel("Description").fill("And once more.");
  await dialog.getByLabel("Name of the device").fill("front-desk-8.example");
  await dialog.getByRole("button", { name: "Create", exact: true }).click();
  await expect(page).toHaveURL(new RegExp(`/incidents/${incident}/alerts\\?alert=`));
  const both = await (await page.request.get(`/v1.0/security/incidents/${incident}?$expand=alerts`)).json();
  expect(both.alerts).toHaveLength(2);
});

// A05, M13
test("classifies similar alerts together, and comments on an alert", async ({ page }) => {
  await signIn(page, "/alerts");
  const list = await (await page.request.get("/v1.0/security/alerts_v2?$top=100")).json();
  let chosen: { id: string; incidentId: string } | undefined;
  let similar: { id: string }[] = [];
  for (const alert of list.value) {
    similar = (await (await page.request.get(`/api/v1/alerts/${alert.id}/similar`)).json()).value;
    if (similar.length > 0) {
      chosen = alert;
      break;
    }
  }
  if (!chosen) throw new Error("no alert has a similar one");
  await page.goto(`/incidents/${chosen.incidentId}/alerts?alert=${chosen.id}`);
  const pane = page.getByRole("dialog", { name: "Alert" });
  const part = pane.getByRole("region", { name: "Similar alerts" });
  await expect(part.getByRole("listitem")).toHaveCount(similar.length);
  const form = part.getByRole("form", { name: "Classify similar alerts" });
  await form.getByLabel("Classification").selectOption("falsePositive");
  await form.getByLabel("Determination").selectOption("notMalicious");
  await form.scrollIntoViewIfNeeded();
  await check(page, "similar");
  await form.getByRole("button", { name: `Classify ${similar.length + 1} alerts` }).click();
  await expect(form.getByText(`${similar.length + 1} alerts changed.`)).toBeVisible();
  for (const { id } of [chosen, ...similar]) {
    const alert = await (await page.request.get(`/v1.0/security/alerts_v2/${id}`)).json();
    expect([alert.classification, alert.determination]).toEqual(["falsePositive", "notMalicious"]);
  }
  await expect(part.getByText(/classified: .*as False positive – Not malicious/)).toBeVisible();

  const text = `Seen **before** ${test.info().project.name} ${Date.now()}`;
  await pane.getByLabel("Comment on this alert").fill(text);
  await pane.getByRole("button", { name: "Post comment" }).click();
  await expect(pane.getByRole("article").last().locator("strong")).toHaveText("before");
  await pane.getByRole("article").last().scrollIntoViewIfNeeded();
  await check(page, "alert-comment");
  await form.getByRole("button", { name: "Undo" }).click();
  await expect(form.getByText("Taken back")).toBeVisible();
  const first = similar[0]?.id;
  await expect
    .poll(async () => (await (await page.request.get(`/v1.0/security/alerts_v2/${first}`)).json()).classification)
    .toBe("unknown");
});

// M06
test("shows the resolution note in the pane and beside the entry of the log", async ({ page }) => {
  await signIn(page, "/incidents");
  const list = await (
    await page.request.get("/v1.0/security/incidents?$top=50&$orderby=id&$filter=status ne 'redirected'")
  ).json();
  const id = (list.value.find((each: { systemTags: string[] }) => each.systemTags.length > 0) ?? list.value[0]).id;
  await page.goto(`/incidents/${id}/alerts`);
  const note = `Reinstalled ${test.info().project.name} ${Date.now()}`;
  await page.getByRole("button", { name: "Manage incident" }).click();
  const panel = page.getByRole("dialog", { name: "Manage incident" });
  await expect(panel.getByLabel("Resolution note")).toBeHidden();
  await panel.getByLabel("Status", { exact: true }).selectOption("resolved");
  await panel.getByLabel("Resolution note").fill(note);
  await panel.getByRole("button", { name: "Save" }).click();
  await expect(panel).toBeHidden();
  await page.goto(`/incidents/${id}/activity`);
  const entry = page.getByRole("listitem").filter({ hasText: "Status changed" }).first();
  await expect(entry.locator("blockquote")).toHaveText(note);
  await check(page, "note-in-log");
  await page.goto(`/incidents?status=any&severity=any&range=all&show=${id}`);
  await expect(page.getByText(note).first()).toBeVisible();
  await patch(page, `/v1.0/security/incidents/${id}`, { status: "active", resolvingComment: "" });
});

// M01
test("saves all from the queue in one action", async ({ page }) => {
  await signIn(page, "/incidents");
  const id = await firstIncident(page);
  const at = `/v1.0/security/incidents/${id}`;
  const before = await (await page.request.get(at)).json();
  await page.goto(`/incidents?status=any&severity=any&range=all&show=${id}`);
  await page.getByRole("button", { name: "Manage incident" }).click();
  const panel = page.getByRole("dialog", { name: "Manage incident" });
  const name = `From the queue ${test.info().project.name} ${Date.now()}`;
  await panel.getByLabel("Incident name").fill(name);
  await panel.getByLabel("Severity").selectOption("low");
  await panel.getByLabel("Status", { exact: true }).selectOption("inProgress");
  await panel.getByLabel("Classification").selectOption("truePositive");
  await panel.getByLabel("Determination").selectOption("malware");
  const saves: string[] = [];
  page.on("request", (request) => {
    if (request.method() === "PATCH") saves.push(request.url());
  });
  await panel.getByRole("button", { name: "Save" }).click();
  await expect(panel).toBeHidden();
  expect(saves).toHaveLength(1);
  const now = await (await page.request.get(at)).json();
  expect([now.displayName, now.severity, now.status, now.classification, now.determination]).toEqual([
    name,
    "low",
    "inProgress",
    "truePositive",
    "malware",
  ]);
  const { displayName, severity, classification, determination } = before;
  await patch(page, at, { displayName, severity, status: "active", classification, determination });
});
