import { useCallback, useState } from "react";

export interface Tab {
  id: string;
  title: string;
  text: string;
  /** The saved query that this tab holds. */
  saved?: string;
  /** The incident that this hunt is for. */
  incident?: string;
}

interface Tabs {
  list: Tab[];
  open: string;
}

const key = "tocsin.hunting.tabs";
const mostTabs = 20;

const fresh = (number: number, text = ""): Tab => ({ id: crypto.randomUUID(), title: `Query ${number}`, text });

function load(): Tabs {
  try {
    const stored = JSON.parse(localStorage.getItem(key) ?? "") as Tabs;
    if (
      Array.isArray(stored.list) &&
      stored.list.length > 0 &&
      stored.list.every((tab) => typeof tab.text === "string")
    )
      return {
        list: stored.list,
        open: stored.list.some(({ id }) => id === stored.open) ? stored.open : (stored.list[0]?.id ?? ""),
      };
  } catch {
    // Nothing is stored yet, or an older version wrote it.
  }
  const first = fresh(1);
  return { list: [first], open: first.id };
}

/** The open queries, kept in this browser so that a reload loses nothing. */
export function useTabs() {
  const [tabs, setTabs] = useState(load);
  const change = useCallback((next: (before: Tabs) => Tabs) => {
    setTabs((before) => {
      const after = next(before);
      try {
        localStorage.setItem(key, JSON.stringify(after));
      } catch {
        // Storage is full or forbidden: the queries still live as long as the page.
      }
      return after;
    });
  }, []);
  const current = tabs.list.find(({ id }) => id === tabs.open) ?? (tabs.list[0] as Tab);
  return {
    list: tabs.list,
    current,
    full: tabs.list.length >= mostTabs,
    choose: (id: string) => change((before) => ({ ...before, open: id })),
    update: useCallback(
      (id: string, part: Partial<Tab>) =>
        change((before) => ({
          ...before,
          list: before.list.map((tab) => (tab.id === id ? { ...tab, ...part } : tab)),
        })),
      [change],
    ),
    add: useCallback(
      (part: Partial<Tab> = {}) =>
        change((before) => {
          const numbers = before.list.map(({ title }) => Number(/^Query (\d+)$/.exec(title)?.[1] ?? 0));
          const tab = { ...fresh(Math.max(0, ...numbers) + 1), ...part };
          const list = [...before.list, tab].slice(-mostTabs);
          return { list, open: tab.id };
        }),
      [change],
    ),
    close: (id: string) =>
      change((before) => {
        const at = before.list.findIndex((tab) => tab.id === id);
        const list = before.list.filter((tab) => tab.id !== id);
        if (list.length === 0) list.push(fresh(1));
        const open = before.open === id ? (list[Math.min(at, list.length - 1)]?.id ?? "") : before.open;
        return { list, open };
      }),
  };
}
