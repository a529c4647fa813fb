import type { Feedback } from "../../api/rearrange";
import { reasonWord } from "../../parts/words";

interface Linked {
  reasons: string[];
  entities?: { type: string; name: string; key?: string }[];
}

const most = 12;

/** What links rest on, as things to tick: reasons by word, entities by name. */
export function offered(links: Linked[]) {
  const reasons: Record<string, string> = {};
  const entities: Record<string, string> = {};
  for (const link of links) {
    for (const reason of link.reasons) reasons[reason] = reasonWord(reason);
    for (const { key, name } of link.entities ?? []) if (key) entities[key] ??= name;
  }
  const first = (of: Record<string, string>) => Object.fromEntries(Object.entries(of).slice(0, most));
  return { reasons: first(reasons), entities: first(entities) };
}

/** What was ticked, as it is sent; nothing when nothing was. */
export function given(wrong: string[], irrelevant: string[], entities: Record<string, string>): Feedback {
  return {
    ...(wrong.length > 0 && { wrongCorrelationReasons: wrong }),
    ...(irrelevant.length > 0 && {
      irrelevantEntities: irrelevant.map((key) => ({
        key,
        name: entities[key] ?? "",
        type: key.slice(0, key.indexOf(":")),
      })),
    }),
  };
}
