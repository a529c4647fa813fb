import { afterEach, describe, expect, it, vi } from "vitest";
import { staleKeys } from "./changes";
import { ApiError, call, localPath, query, setCsrfToken, whenSignedOut } from "./client";

afterEach(() => vi.unstubAllGlobals());

function answer(status: number, body: string, headers: Record<string, string> = {}) {
  const fetched = vi.fn(async (_path: string, _init: RequestInit) => new Response(body, { status, headers }));
  vi.stubGlobal("fetch", fetched);
  return fetched;
}

describe("calls", () => {
  it("carry the token when they change something, and the version when asked to", async () => {
    const fetched = answer(200, "{}");
    setCsrfToken("t1");
    await call("GET", "/x");
    await call("PATCH", "/x", { body: { a: 1 }, ifMatch: 7 });
    const [read, change] = fetched.mock.calls.map(([, init]) => init.headers as Record<string, string>);
    expect(read?.["X-CSRF-Token"]).toBeUndefined();
    expect(change).toMatchObject({ "X-CSRF-Token": "t1", "If-Match": '"7"', "Content-Type": "application/json" });
  });

  it("turn Graph errors into a sentence", async () => {
    answer(400, '{"error":{"code":"invalid","message":"no such field"}}');
    await expect(call("GET", "/x")).rejects.toMatchObject({ status: 400, code: "invalid", message: "No such field." });
  });

  it("survive an error that is no JSON, and read Retry-After", async () => {
    answer(429, "<html>", { "Retry-After": "12" });
    const error = await call("GET", "/x").catch((e) => e as ApiError);
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({ status: 429, retryAfter: 12 });
  });

  it("say when the session has ended, but not for a wrong password", async () => {
    const ended = vi.fn();
    whenSignedOut(ended);
    answer(401, "{}");
    await call("POST", "/s", { expectSignedOut: true }).catch(() => {});
    expect(ended).not.toHaveBeenCalled();
    await call("GET", "/x").catch(() => {});
    expect(ended).toHaveBeenCalledOnce();
  });
});

it("follows links on this host only", () => {
  expect(localPath("https://evil.example/v1.0/security/incidents?$skiptoken=s1.a%26b")).toBe(
    "/v1.0/security/incidents?$skiptoken=s1.a%26b",
  );
  expect(localPath("/v1.0/x?y=1")).toBe("/v1.0/x?y=1");
});

it("writes option names with their dollar sign", () => {
  expect(query({ $top: 5, $filter: "a eq 'b&c'", empty: "", none: undefined })).toBe(
    "?$top=5&$filter=a%20eq%20'b%26c'",
  );
});

it("knows what a change makes stale", () => {
  expect(staleKeys({ noun: "incident", id: "17" })).toContainEqual(["incident", "17"]);
  expect(staleKeys({ noun: "session", id: "1" })).toEqual([]);
  expect(staleKeys({ noun: "somethingNew", id: "1" })).toBeNull();
});
