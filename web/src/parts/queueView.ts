// What every queue does with its filter: it lives in the address, and a person's own view is remembered.
import { useEffect, useMemo, useRef } from "react";
import { useSearchParams } from "react-router";
import { type FilterSet, type Noun, useFilterSets, usePreference } from "../api/kept";
import { fromParams, type ListFilter, type ListSpec, toParams } from "./listFilter";

/** The filter and the open pane, kept in the address. */
export function useListAddress(spec: ListSpec) {
  const [params, setParams] = useSearchParams();
  const text = params.toString();
  const filter = useMemo(() => fromParams(spec, new URLSearchParams(text)), [spec, text]);
  const paneId = params.get("show") ?? undefined;
  return {
    filter,
    paneId,
    empty: text === "",
    change: (next: ListFilter) => setParams(toParams(spec, next), { replace: true }),
    apply: (query: string) => setParams(new URLSearchParams(query), { replace: true }),
    showPane: (id: string | undefined) => {
      const next = toParams(spec, filter);
      if (id) next.set("show", id);
      setParams(next, { replace: true });
    },
  };
}

export interface OwnView {
  columns?: string[];
  /** The filter set that the queue opens with. */
  opensWith?: string;
}

/** How a person likes a queue: the columns in their order, and what it opens with. The server remembers it. */
export function useOwnView(noun: Noun, known: { id: string }[], usual: string[]) {
  const { value, isPending, set } = usePreference<OwnView>(`queue.${noun}`);
  const stored = Array.isArray(value?.columns) ? value.columns : usual;
  const columns = [...new Set(stored)].filter((id) => known.some((column) => column.id === id));
  return {
    loading: isPending,
    opensWith: value?.opensWith,
    columns,
    choose: (ids: string[]) => set({ ...value, columns: ids }),
    reset: () => set({ ...value, columns: undefined }),
    openWith: (id: string | undefined) => set({ ...value, opensWith: id }),
  };
}

/** Opens the queue with the chosen filter set when nothing else was asked for. Once: resetting must stay possible. */
export function useOpening(noun: Noun, empty: boolean, opensWith: string | undefined, apply: (query: string) => void) {
  const { data: sets } = useFilterSets(noun);
  const done = useRef(!empty);
  const set: FilterSet | undefined = sets?.find(({ id }) => id === opensWith);
  useEffect(() => {
    if (done.current || !set) return;
    done.current = true;
    apply(set.query);
  }, [set, apply]);
}
