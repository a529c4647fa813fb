// Which determinations go with which classification. The server refuses any other pair; offering only the legal ones
// spares people the refusal.
import type { Classification } from "../api/types";

export const classifications: Classification[] = [
  "unknown",
  "truePositive",
  "informationalExpectedActivity",
  "falsePositive",
];

const determinations: Record<Classification, string[]> = {
  unknown: ["unknown"],
  truePositive: [
    "unknown",
    "multiStagedAttack",
    "maliciousUserActivity",
    "compromisedAccount",
    "malware",
    "phishing",
    "unwantedSoftware",
    "other",
  ],
  informationalExpectedActivity: [
    "unknown",
    "securityTesting",
    "lineOfBusinessApplication",
    "confirmedActivity",
    "other",
  ],
  falsePositive: ["unknown", "notMalicious", "notEnoughDataToValidate", "other"],
};

export function legalDeterminations(classification: Classification): string[] {
  return determinations[classification] ?? ["unknown"];
}

/** The determination to keep when the classification changes: the same if it is still legal. */
export function fittingDetermination(classification: Classification, determination: string): string {
  return legalDeterminations(classification).includes(determination) ? determination : "unknown";
}
