import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { ApiError, call, query } from "./client";

export type Noun = "incident" | "alert";

/** Named filters of a queue. `query` is the query part of its address. */
export interface FilterSet {
  id: string;
  noun: Noun;
  name: string;
  query: string;
  shared: boolean;
  owner: string;
  mine: boolean;
}

const sets = "/api/v1/filtersets";

export function useFilterSets(noun: Noun) {
  return useQuery({
    queryKey: ["filtersets", noun],
    queryFn: ({ signal }) => call<{ value: FilterSet[] }>("GET", sets + query({ noun }), { signal }),
    select: (page) => page.value,
    staleTime: 60_000,
  });
}

export function useSaveFilterSet(noun: Noun) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ id, ...body }: { id?: string; name?: string; query?: string; shared?: boolean }) =>
      id
        ? call<FilterSet>("PATCH", `${sets}/${encodeURIComponent(id)}`, { body })
        : call<FilterSet>("POST", sets, { body: { noun, ...body } }),
    onSettled: () => client.invalidateQueries({ queryKey: ["filtersets", noun] }),
  });
}

export function useDeleteFilterSet(noun: Noun) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => call<void>("DELETE", `${sets}/${encodeURIComponent(id)}`),
    onSettled: () => client.invalidateQueries({ queryKey: ["filtersets", noun] }),
  });
}

/** What the server remembers for the signed-in person under a key; undefined until it is read, null for nothing. */
export function usePreference<T extends object>(key: string) {
  const client = useQueryClient();
  const queryKey = ["preference", key];
  const path = `/api/v1/preferences/${encodeURIComponent(key)}`;
  const { data, isPending } = useQuery({
    queryKey,
    queryFn: ({ signal }) => call<{ value: T | null }>("GET", path, { signal }),
    staleTime: Number.POSITIVE_INFINITY,
  });
  const save = useMutation({
    // In their order: the last choice is the one that stays.
    scope: { id: `preference ${key}` },
    mutationFn: (value: T | null) => call<void>("PUT", path, { body: { value } }),
    onMutate: async (value) => {
      await client.cancelQueries({ queryKey });
      client.setQueryData(queryKey, { value });
    },
  });
  return { value: data?.value, isPending, set: (value: T | null) => save.mutate(value) };
}

export interface FacetValue {
  value: string;
  count: number;
}

/** How many things have each value of a property under the other filters in force. */
export function useFacet(noun: Noun, q: { filter: string; search: string }, property: string, enabled: boolean) {
  return useQuery({
    queryKey: [noun === "incident" ? "incidents" : "alerts", "facet", q, property],
    queryFn: ({ signal }) =>
      call<{ facets: Record<string, FacetValue[]> }>(
        "GET",
        `/api/v1/${noun}s/facets${query({ $filter: q.filter, $search: q.search, properties: property })}`,
        { signal },
      ),
    select: (answer) => answer.facets[property] ?? [],
    enabled,
  });
}

/** Fetches the list as CSV and hands it to the browser to save. Says how many rows there are and how many it has. */
export async function exportList(
  noun: Noun,
  q: { filter: string; search: string; orderBy: string },
  columns: string[],
): Promise<{ total: number; rows: number }> {
  const path = `/api/v1/${noun}s/export${query({
    $filter: q.filter,
    $search: q.search,
    $orderby: q.orderBy,
    columns: columns.join(","),
  })}`;
  let response: Response;
  try {
    response = await fetch(path, { credentials: "same-origin" });
  } catch {
    throw new ApiError(0, "unreachable", "Tocsin cannot be reached. Check your connection and try again.");
  }
  if (!response.ok) throw new ApiError(response.status, "", "The list could not be exported. Try again in a moment.");
  const name = /filename="([^"]+)"/.exec(response.headers.get("Content-Disposition") ?? "")?.[1] ?? `${noun}s.csv`;
  const url = URL.createObjectURL(await response.blob());
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
  return {
    total: Number(response.headers.get("Tocsin-Total") ?? 0),
    rows: Number(response.headers.get("Tocsin-Rows") ?? 0),
  };
}
