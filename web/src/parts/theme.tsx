// Light and dark looks, and which of them is on. The choice is remembered in this browser; "system" follows the
// operating system as it changes.
import {
  type BrandVariants,
  createDarkTheme,
  createDOMRenderer,
  createLightTheme,
  FluentProvider,
  RendererProvider,
  type Theme,
} from "@fluentui/react-components";
import { createContext, type ReactNode, useContext, useEffect, useMemo, useState } from "react";
import { useMedia } from "./useMedia";

const brand: BrandVariants = {
  10: "#00101a",
  20: "#001a29",
  30: "#00263a",
  40: "#003149",
  50: "#003c59",
  60: "#004969",
  70: "#005679",
  80: "#00668b",
  90: "#00789d",
  100: "#0089ad",
  110: "#3099bc",
  120: "#50aaca",
  130: "#6ebad7",
  140: "#8bcae3",
  150: "#aadbf0",
  160: "#caedfb",
};

const fontFamilyBase = '"Segoe UI Variable Text", "Segoe UI", Inter, system-ui, -apple-system, Roboto, sans-serif';
const fontFamilyMonospace = 'ui-monospace, "Cascadia Mono", Consolas, "DejaVu Sans Mono", Menlo, monospace';

/** Colors that Fluent has no name for. Each text color has at least 4.5:1 on its own tint and on the page. */
const lightExtras = {
  severityHigh: "#c50f1f",
  severityHighText: "#a80d1a",
  severityHighTint: "#fdebec",
  severityMedium: "#e3700b",
  severityMediumText: "#94420a",
  severityMediumTint: "#fff0e3",
  severityLow: "#d1a000",
  severityLowText: "#715500",
  severityLowTint: "#fff6d9",
  severityInfo: "#7c8894",
  severityInfoText: "#4a5560",
  severityInfoTint: "#eef1f4",
  chip: "#e7ecf1",
  good: "#0e7a0d",
  goodTint: "#e8f5e8",
  chartFirst: "#0089ad",
  chartSecond: "#7a5af0",
  page: "#f5f7f9",
  surface: "#ffffff",
  bar: "#00263a",
  hiddenMark: "#8a1020",
  hiddenMarkTint: "#fde3e5",
};

const darkExtras: typeof lightExtras = {
  severityHigh: "#ef5b66",
  severityHighText: "#ff9ea6",
  severityHighTint: "#451a1f",
  severityMedium: "#f0842c",
  severityMediumText: "#ffb680",
  severityMediumTint: "#40260f",
  severityLow: "#dcb61f",
  severityLowText: "#f2d671",
  severityLowTint: "#38300d",
  severityInfo: "#8793a0",
  severityInfoText: "#bcc6d0",
  severityInfoTint: "#2c333a",
  chip: "#2c333a",
  good: "#6ccb6a",
  goodTint: "#16331a",
  chartFirst: "#3fb1d3",
  chartSecond: "#a48bff",
  page: "#14181c",
  surface: "#1d2227",
  bar: "#0b1319",
  hiddenMark: "#ffb3ba",
  hiddenMarkTint: "#56161d",
};

const light: Theme & typeof lightExtras = {
  ...createLightTheme(brand),
  fontFamilyBase,
  fontFamilyMonospace,
  ...lightExtras,
};

const baseDark = createDarkTheme(brand);
const dark: Theme & typeof lightExtras = {
  ...baseDark,
  fontFamilyBase,
  fontFamilyMonospace,
  colorNeutralBackground1: "#1d2227",
  colorNeutralBackground1Hover: "#272d33",
  colorNeutralBackground1Pressed: "#171b1f",
  colorNeutralBackground1Selected: "#2b3238",
  colorNeutralBackground2: "#181c20",
  colorNeutralBackground2Hover: "#22272c",
  colorNeutralBackground3: "#14181c",
  colorNeutralBackground4: "#101316",
  colorSubtleBackgroundHover: "#2a3036",
  colorSubtleBackgroundPressed: "#23282d",
  colorSubtleBackgroundSelected: "#2a3036",
  colorNeutralStroke1: "#4b545c",
  colorNeutralStroke2: "#343b42",
  colorNeutralStroke3: "#2b3137",
  // Brand 80 on a dark page is too dim for text; these are what links and selected things use.
  colorBrandForeground1: brand[130],
  colorBrandForeground2: brand[140],
  colorBrandForegroundLink: brand[130],
  colorBrandForegroundLinkHover: brand[140],
  colorBrandForegroundLinkPressed: brand[120],
  colorCompoundBrandForeground1: brand[130],
  ...darkExtras,
};

/** Our own color as a CSS variable, next to Fluent's tokens. */
export function own(name: keyof typeof lightExtras): string {
  return `var(--${name})`;
}

export type ThemeChoice = "light" | "dark" | "system";

const storageKey = "tocsin.theme";
const ThemeContext = createContext<{ choice: ThemeChoice; dark: boolean; choose: (choice: ThemeChoice) => void }>({
  choice: "system",
  dark: false,
  choose: () => {},
});

export const useTheme = () => useContext(ThemeContext);

function stored(): ThemeChoice {
  const value = localStorage.getItem(storageKey);
  return value === "light" || value === "dark" ? value : "system";
}

// The server writes a fresh nonce into every page; style elements that carry it are the only inline ones allowed.
const nonce = document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce;
const renderer = createDOMRenderer(document, nonce ? { styleElementAttributes: { nonce } } : undefined);

export function ThemeProvider({ children }: { children: ReactNode }) {
  const [choice, setChoice] = useState<ThemeChoice>(stored);
  const systemDark = useMedia("(prefers-color-scheme: dark)");
  const isDark = choice === "dark" || (choice === "system" && systemDark);
  useEffect(() => {
    document.documentElement.dataset.theme = isDark ? "dark" : "light";
  }, [isDark]);
  const value = useMemo(
    () => ({
      choice,
      dark: isDark,
      choose: (next: ThemeChoice) => {
        if (next === "system") localStorage.removeItem(storageKey);
        else localStorage.setItem(storageKey, next);
        setChoice(next);
      },
    }),
    [choice, isDark],
  );
  return (
    <ThemeContext value={value}>
      <RendererProvider renderer={renderer} targetDocument={document}>
        <FluentProvider theme={isDark ? dark : light}>
          {/* Not on the provider itself: its class also goes to every pane and menu. */}
          <div className="app">{children}</div>
        </FluentProvider>
      </RendererProvider>
    </ThemeContext>
  );
}
