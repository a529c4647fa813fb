import { describe, expect, it } from "vitest";
import { ApiError } from "../api/client";
import type { Alert, Evidence, Incident } from "../api/types";
import { classifications, fittingDetermination, legalDeterminations } from "./classification";
import { changesOf, disputeOf } from "./conflict";
import {
  assetKind,
  bestNames,
  collectAssets,
  collectEntities,
  entityKeys,
  entityName,
  inOrderOfInterest,
} from "./entities";
import { pieces, plainText } from "./hidden";
import { absoluteTime, duration, parseTime, relativeTime } from "./when";
import { count, listWords, sourceWord, spellOut } from "./words";

describe("determinations", () => {
  it("are the legal ones of each classification, and always include none", () => {
    expect(legalDeterminations("unknown")).toEqual(["unknown"]);
    expect(legalDeterminations("truePositive")).toContain("multiStagedAttack");
    expect(legalDeterminations("truePositive")).not.toContain("notMalicious");
    expect(legalDeterminations("falsePositive")).not.toContain("phishing");
    for (const each of classifications) expect(legalDeterminations(each)[0]).toBe("unknown");
  });

  it("fall back to none when the classification no longer takes them", () => {
    expect(fittingDetermination("falsePositive", "phishing")).toBe("unknown");
    expect(fittingDetermination("falsePositive", "other")).toBe("other");
    expect(fittingDetermination("unknown", "other")).toBe("unknown");
  });
});

describe("time", () => {
  const now = Date.parse("2026-03-05T12:00:00Z");
  it.each([
    [10_000, "just now"],
    [-10_000, "in a moment"],
    [60_000, "1 minute ago"],
    [59 * 60_000, "59 minutes ago"],
    [3 * 3_600_000, "3 hours ago"],
    [26 * 3_600_000, "yesterday"],
    [5 * 86_400_000, "5 days ago"],
    [30 * 86_400_000, "Feb 3"],
    [400 * 86_400_000, "Jan 29, 2025"],
  ])("%i ms before now is %s", (past, words) => {
    expect(relativeTime(now - past, now)).toBe(words);
  });

  it("is nothing for the server's zero time and for nonsense", () => {
    expect(parseTime("0001-01-01T00:00:00Z")).toBeUndefined();
    expect(parseTime("soon")).toBeUndefined();
    expect(parseTime(null)).toBeUndefined();
    expect(parseTime("2026-03-05T12:00:00Z")).toBe(now);
  });

  it("names the zone in full form and uses at most two units for lengths", () => {
    expect(absoluteTime(now)).toMatch(/2026.*\d\d:\d\d:\d\d .+/);
    expect(duration(30_000)).toBe("less than a minute");
    expect(duration(3_600_000 * 49 + 60_000 * 5)).toBe("2 days 1 hour");
    expect(duration(86_400_000 + 60_000)).toBe("1 day");
    expect(duration(60_000)).toBe("1 minute");
  });
});

describe("hidden characters", () => {
  it("are cut out of what is around them", () => {
    expect(pieces("inv\u202egpj.exe")).toEqual([
      { text: "inv" },
      { code: "U+202E", name: "forces right-to-left" },
      { text: "gpj.exe" },
    ]);
    expect(plainText("a\u200bb\u{e0041}c\u0000")).toBe("a⟨U+200B⟩b⟨U+E0041⟩c⟨U+0000⟩");
  });

  it("do not include letters of any script, emoji, tabs and line breaks", () => {
    const text = "naïve 日本語 עברית 🙂\tx\r\ny";
    expect(pieces(text)).toEqual([{ text }]);
  });

  it("include broken halves of characters and leave the empty text empty", () => {
    expect(plainText("x\ud800y")).toBe("x⟨U+D800⟩y");
    expect(pieces("")).toEqual([{ text: "" }]);
  });
});

const evidence = (type: string, more: object): Evidence => ({
  "@odata.type": `#microsoft.graph.security.${type}Evidence`,
  ...more,
});
const alert = (id: string, list: Evidence[]): Alert =>
  ({
    id,
    incidentId: "1",
    title: id,
    firstActivityDateTime: "2026-03-05T12:00:00Z",
    evidence: list,
  }) as unknown as Alert;

describe("entities", () => {
  it("are one under full name, short name and id", () => {
    const rows = collectEntities([
      alert("a", [evidence("device", { hostName: "WS-1", mdeDeviceId: "d1" })]),
      alert("b", [evidence("device", { deviceDnsName: "ws-1.corp.example" })]),
      alert("c", [evidence("device", { mdeDeviceId: "D1", verdict: "malicious", roles: ["attacked"] })]),
    ]);
    expect(rows).toHaveLength(1);
    expect(rows[0]).toMatchObject({ name: "ws-1.corp.example", verdict: "malicious", roles: ["attacked"] });
    expect(rows[0]?.alerts.map(({ id }) => id)).toEqual(["a", "b", "c"]);
  });

  it("join an account's names, and keep two people apart", () => {
    const upn = evidence("user", { userAccount: { userPrincipalName: "ann@corp.example", accountName: "ann" } });
    const sam = evidence("user", { userAccount: { domainName: "CORP", accountName: "Ann" } });
    const other = evidence("user", { userAccount: { userPrincipalName: "ann@partner.example", accountName: "ann" } });
    expect(collectAssets([alert("a", [upn, sam, other])])).toHaveLength(2);
    expect(entityKeys(upn)[0]).toBe(entityKeys(sam)[0]);
    expect(entityName(sam)).toBe("CORP\\Ann");
  });

  it("are assets only when they are not accounts of every computer", () => {
    const system = evidence("user", { userAccount: { accountName: "SYSTEM", userSid: "S-1-5-18" } });
    const machine = evidence("user", { userAccount: { accountName: "WS-1$", domainName: "CORP" } });
    expect(assetKind(system)).toBeUndefined();
    expect(assetKind(machine)).toBeUndefined();
    expect(assetKind(evidence("ip", { ipAddress: "192.0.2.1" }))).toBeUndefined();
    expect(collectAssets([alert("a", [system, machine])])).toEqual([]);
    expect(collectEntities([alert("a", [system, machine])])).toHaveLength(2);
  });

  it("keep a mailbox and its owner apart", () => {
    const rows = collectAssets([
      alert("a", [
        evidence("mailbox", { primaryAddress: "ann@corp.example", upn: "ann@corp.example" }),
        evidence("user", { userAccount: { userPrincipalName: "ann@corp.example", accountName: "ann" } }),
      ]),
    ]);
    expect(rows.map(({ kind }) => kind).sort()).toEqual(["mailboxes", "users"]);
  });

  it("are called by the name that any alert knows", () => {
    const click = evidence("analyzedMessage", { networkMessageId: "285bbcd2-cb87-4502-9545-c6d6ac219f00" });
    const mail = evidence("analyzedMessage", { ...click, subject: "Overdue invoice" });
    const rows = collectEntities([alert("a", [click]), alert("b", [mail])]);
    expect(rows.map(({ name }) => name)).toEqual(["Overdue invoice"]);
    expect(bestNames([alert("a", [click]), alert("b", [mail])])(click)).toBe("Overdue invoice");
    expect(bestNames([])(click)).toBe("285bbcd2-cb87-4502-9545-c6d6ac219f00");
  });

  it("come in order of interest", () => {
    const list = ["cloudLogonSession", "ip", "process", "device"].map((type) => evidence(type, { name: type }));
    expect(inOrderOfInterest(collectEntities([alert("a", list)])).map(({ type }) => type)).toEqual([
      "device",
      "process",
      "ip",
      "cloudLogonSession",
    ]);
  });

  it("have names whatever their type", () => {
    expect(entityName(evidence("kubernetesPod", { name: "web-1" }))).toBe("web-1");
    expect(entityName(evidence("cloudLogonRequest", {}))).toBe("Cloud sign-in");
    expect(
      entityName(
        evidence("registryValue", { registryHive: "HKLM", registryKey: "SOFTWARE\\Run", registryValueName: "x" }),
      ),
    ).toBe("HKLM\\SOFTWARE\\Run\\x");
  });
});

describe("saving at the same time", () => {
  const opened = { displayName: "a", severity: "low", customTags: ["x", "y"], assignedTo: null } as unknown as Incident;

  it("sends only what differs", () => {
    expect(changesOf(opened, { displayName: "a", severity: "high", customTags: ["y", "x"], assignedTo: null })).toEqual(
      {
        severity: "high",
      },
    );
  });

  it("reads the dispute out of the server's refusal", () => {
    const clashes = [{ field: "displayName", mine: "mine", theirs: "theirs" }];
    const refusal = (status: number, details?: Record<string, unknown>) =>
      new ApiError(status, "resourceModified", "Changed.", undefined, details);
    expect(disputeOf(refusal(409, { version: 7, conflicts: clashes }))).toEqual({ version: 7, clashes });
    expect(disputeOf(refusal(409, {}))).toBeUndefined();
    expect(disputeOf(refusal(412, { version: 7, conflicts: clashes }))).toBeUndefined();
    expect(disputeOf(new Error("other"))).toBeUndefined();
  });
});

it("spells out words that the portal does not know", () => {
  expect(spellOut("temporalProximity")).toBe("Temporal proximity");
  expect(spellOut("usesDNSTunnel")).toBe("Uses dnstunnel");
  expect(sourceWord("someNewSource")).toBe("Some new source");
  expect(sourceWord(null)).toBe("");
  expect(count(1, "alert")).toBe("1 alert");
  expect(count(1200, "entry", "entries")).toBe("1,200 entries");
  expect(listWords(["a", "b", "c"])).toBe("a, b and c");
});
