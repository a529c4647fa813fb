import { type EntityRow, preyOf } from "../../parts/entities";
import { GoHunt } from "../../parts/GoHunt";

/** Queries for an entity around the time at which the incident saw it. */
export function HuntFor({ entity, incident, compact }: { entity: EntityRow; incident: string; compact?: boolean }) {
  const prey = preyOf(entity.evidence);
  if (!prey) return null;
  const iso = (ms: number | undefined) => (ms === undefined ? undefined : new Date(ms).toISOString());
  return (
    <GoHunt
      prey={prey}
      name={entity.name}
      from={iso(entity.firstSeen)}
      to={iso(entity.lastSeen)}
      incident={incident}
      compact={compact}
    />
  );
}
