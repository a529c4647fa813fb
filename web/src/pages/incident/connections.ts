import type { Chain, ChainStep } from "../../api/chain";
import { count } from "../../parts/words";

/** What the page says first: how many links hold how many alerts, and that some are held by none. */
export function holdsTogether({ alerts, links, parts }: Pick<Chain, "alerts" | "links" | "parts">): string {
  if (alerts === 1) return "There is one alert, so nothing had to be connected.";
  if (links === 0) return `People put these ${count(alerts, "alert")} together. No link between them was found.`;
  const whole = `${count(links, "link")} ${links === 1 ? "holds" : "hold"} ${count(alerts, "alert")} together.`;
  return parts > 1
    ? `${whole} They are in ${parts.toLocaleString()} parts that no link connects: people put these together.`
    : whole;
}

/** Why an alert is here that no link holds. */
export function cameWords(step: ChainStep, first: boolean): string {
  const by = step.by?.name ? ` by ${step.by.name}` : "";
  switch (step.came) {
    case "merged":
      return `It came with incident ${step.fromIncidentId}, which was merged into this one${by}.`;
    case "moved":
      return `It was moved here from incident ${step.fromIncidentId}${by}.`;
    case "byHand":
      return "A person added it from a hunting query.";
    default:
      return first ? "The incident began with this alert." : "No link holds it to the others.";
  }
}

/** How strong a link is beside what joins by itself. */
export function strengthWords(weight: number, join: number): string {
  const times = weight / (join || 1);
  if (times >= 1.8) return "Very strong evidence.";
  if (times >= 1.25) return "Strong evidence.";
  if (times >= 1) return "Just enough evidence.";
  return "Not enough by itself; other links helped.";
}
