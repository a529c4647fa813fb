import { useState } from "react";

export interface Selection {
  has: (id: string) => boolean;
  size: number;
  ids: string[];
  set: (ids: string[], on: boolean) => void;
}

/** Checked rows. They stay checked while the list is filtered, sorted and refreshed. */
export function useSelection(): Selection {
  const [ids, setIds] = useState<ReadonlySet<string>>(new Set());
  return {
    has: (id) => ids.has(id),
    size: ids.size,
    ids: [...ids],
    set: (changed, on) =>
      setIds((before) => {
        const after = new Set(before);
        for (const id of changed) on ? after.add(id) : after.delete(id);
        return after;
      }),
  };
}
