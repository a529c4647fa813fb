import { useEffect } from "react";
import { plainText } from "./hidden";

/** Names the browser's window. */
export function useTitle(title: string | undefined) {
  useEffect(() => {
    document.title = title ? `${plainText(title)} – Tocsin` : "Tocsin";
  }, [title]);
}
