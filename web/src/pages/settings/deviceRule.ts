import type { DeviceCondition, DeviceGroupBody, DeviceRule } from "../../api/deviceGroups";

export const fields: [DeviceCondition["field"], string][] = [
  ["name", "Name"],
  ["domain", "Domain"],
  ["osPlatform", "Operating system"],
  ["tag", "Tag"],
];

export const operators: [DeviceCondition["operator"], string][] = [
  ["equals", "is"],
  ["startsWith", "starts with"],
  ["endsWith", "ends with"],
  ["contains", "contains"],
];

export const levels: [string, string][] = [
  ["full", "Full: remediate automatically"],
  ["semiAll", "Semi: approval for all folders"],
  ["semiCore", "Semi: approval for operating system folders"],
  ["semiNonTemp", "Semi: approval for non-temporary folders"],
  ["noAutomation", "No automated response"],
];

export const mostConditions = 50;

const word = (words: [string, string][], key: string) => words.find(([k]) => k === key)?.[1] ?? key;

export const levelWord = (level: string) => word(levels, level);

/** One condition, up to its value: the value is somebody's text and is shown by itself. */
export function conditionWords(c: DeviceCondition): string {
  return `${word(fields, c.field)} ${word(operators, c.operator)}`;
}

/** Whether the rule can be asked or saved. */
export function ready(rule: DeviceRule): boolean {
  return rule.conditions.length > 0 && rule.conditions.every((c) => c.value.trim() !== "");
}

/** The place that a group moves to, or undefined if it is there already. */
export function movedTo(rank: number, by: -1 | 1, count: number): number | undefined {
  const next = rank + by;
  return next >= 1 && next <= count ? next : undefined;
}

/** What people said of a group, without what the server adds when it is read. */
export function bodyOf({ name, description, rule, remediationLevel }: DeviceGroupBody): DeviceGroupBody {
  return { name, description, rule, remediationLevel };
}
