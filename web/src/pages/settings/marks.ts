import type { AssetMark } from "../../api/scoring";

/** What may be said of an asset, and what it means. */
export const marks: { mark: AssetMark; word: string; meaning: string }[] = [
  { mark: "critical", word: "Critical", meaning: "The organisation stands still without it." },
  { mark: "privileged", word: "Privileged", meaning: "Its rights reach far: an administrator, a domain controller." },
  { mark: "honeytoken", word: "Honeytoken", meaning: "A bait that nobody has reason to touch." },
  { mark: "vip", word: "VIP", meaning: "A person whose mail and files are sought after." },
];

export const markWord = (mark: string) => marks.find((each) => each.mark === mark)?.word ?? mark;
