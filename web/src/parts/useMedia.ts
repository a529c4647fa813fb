import { useCallback, useSyncExternalStore } from "react";

/** Whether a media query holds, following it as it changes. */
export function useMedia(query: string): boolean {
  const subscribe = useCallback(
    (changed: () => void) => {
      const media = window.matchMedia(query);
      media.addEventListener("change", changed);
      return () => media.removeEventListener("change", changed);
    },
    [query],
  );
  return useSyncExternalStore(subscribe, () => window.matchMedia(query).matches);
}

/** True below the width at which tables become cards and side panes cover the screen. */
export const usePhone = () => useMedia("(max-width: 720px)");
