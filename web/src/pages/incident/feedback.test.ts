import { expect, test } from "vitest";
import { given, offered } from "./feedback";

const links = [
  { reasons: ["sameActor", "temporalProximity"], entities: [{ type: "user", name: "kim", key: "user:kim@corp" }] },
  {
    reasons: ["sameActor"],
    entities: [
      { type: "user", name: "KIM", key: "user:kim@corp" },
      { type: "ip", name: "10.0.0.1" },
    ],
  },
];

test("C19: each reason and each entity is offered once, and only what has a key", () => {
  expect(offered(links)).toEqual({
    reasons: { sameActor: "Same actor", temporalProximity: "Close in time" },
    entities: { "user:kim@corp": "kim" },
  });
  const many = Array.from({ length: 40 }, (_, n) => ({
    reasons: [],
    entities: [{ type: "ip", name: `${n}`, key: `ip:${n}` }],
  }));
  expect(Object.keys(offered(many).entities)).toHaveLength(12);
});

test("C19: what was ticked is sent with its name and type, and nothing otherwise", () => {
  expect(given([], [], {})).toEqual({});
  expect(given(["sameActor"], ["user:kim@corp"], { "user:kim@corp": "kim" })).toEqual({
    wrongCorrelationReasons: ["sameActor"],
    irrelevantEntities: [{ key: "user:kim@corp", name: "kim", type: "user" }],
  });
});
