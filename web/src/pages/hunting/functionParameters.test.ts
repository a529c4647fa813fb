import { expect, test } from "vitest";
import { inputParameters } from "./functionParameters";

test("parameters of a function, scalar, with defaults and tabular", () => {
  expect(inputParameters("x:string, since:timespan=7d")).toEqual([
    { name: "x", type: "string", cslType: "string" },
    { name: "since", type: "timespan", cslType: "timespan", cslDefaultValue: "7d" },
  ]);
  expect(inputParameters('T:(*), x:string="SHA1, SHA256", y:long=100').map(({ name }) => name)).toEqual([
    "T",
    "x",
    "y",
  ]);
  expect(inputParameters("T:(IP:string, At:datetime), y:datetime=datetime(null)")).toEqual([
    {
      name: "T",
      type: "",
      cslType: "",
      columns: [
        { name: "IP", type: "string", cslType: "string" },
        { name: "At", type: "datetime", cslType: "datetime" },
      ],
    },
    { name: "y", type: "datetime", cslType: "datetime", cslDefaultValue: "datetime(null)" },
  ]);
  expect(inputParameters("")).toEqual([]);
});
