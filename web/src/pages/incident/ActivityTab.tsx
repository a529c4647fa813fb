import { useMemo } from "react";
import { useSearchParams } from "react-router";
import { useActivities } from "../../api/record";
import type { Incident } from "../../api/types";
import { HistoryRegular } from "../../parts/icons";
import { RecordEntries } from "../../parts/RecordEntries";
import { RecordFilters } from "../../parts/RecordFilters";
import { filtered, filterOf } from "../../parts/recordFilter";
import { EmptyState, ErrorState, LoadingLines } from "../../parts/states";
import { Rearrangements } from "./Rearrangements";

/** Everything that people and the system did to the incident, newest first. */
export function ActivityTab({ incident }: { incident: Incident }) {
  const [params] = useSearchParams();
  const filter = useMemo(() => filterOf(params), [params]);
  const { data, isPending, error, refetch, hasNextPage, isFetchingNextPage, fetchNextPage } = useActivities(
    incident.id,
    filter,
  );
  const entries = data?.pages.flatMap((page) => page.value) ?? [];
  return (
    <>
      <Rearrangements id={incident.id} />
      <RecordFilters values={data?.pages[0]?.values ?? { types: [], by: [], origins: [] }} incident={incident.id} />
      {isPending ? (
        <LoadingLines rows={6} height={32} label="Loading the activity log" />
      ) : error && entries.length === 0 ? (
        <ErrorState error={error} retry={() => void refetch()} />
      ) : entries.length === 0 && !hasNextPage ? (
        <EmptyState icon={HistoryRegular} title={filtered(params) ? "No entries match" : "Nothing has happened yet"} />
      ) : (
        <RecordEntries
          entries={entries}
          incident={incident.id}
          more={hasNextPage ? { loading: isFetchingNextPage, load: () => void fetchNextPage() } : undefined}
        />
      )}
    </>
  );
}
