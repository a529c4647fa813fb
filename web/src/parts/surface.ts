import { makeStyles, tokens } from "@fluentui/react-components";
import { own } from "./theme";

/** Cards, section headings, fact lists and tables: the shapes that all pages are made of. */
export const useSurface = makeStyles({
  card: {
    backgroundColor: own("surface"),
    border: `1px solid ${tokens.colorNeutralStroke2}`,
    borderRadius: "8px",
  },
  heading: {
    fontSize: tokens.fontSizeBase300,
    lineHeight: tokens.lineHeightBase300,
    fontWeight: tokens.fontWeightSemibold,
  },
  section: { display: "grid", gap: "8px", "& + &": { marginTop: "20px" } },
  muted: { color: tokens.colorNeutralForeground3 },
  facts: {
    display: "grid",
    gridTemplateColumns: "minmax(104px, max-content) minmax(0, 1fr)",
    columnGap: "16px",
    rowGap: "10px",
    alignItems: "baseline",
    fontSize: tokens.fontSizeBase300,
    "& dt": { color: tokens.colorNeutralForeground3 },
    "& dd": { minWidth: 0, overflowWrap: "anywhere" },
    // Badges sit a pixel low on the baseline of their names otherwise.
    "& dd > span": { marginBlock: "-1px" },
  },
  scroller: {
    overflowX: "auto",
    maxWidth: "100%",
    ":focus-visible": { outline: `2px solid ${tokens.colorStrokeFocus2}`, outlineOffset: "-2px" },
  },
  table: {
    width: "100%",
    borderCollapse: "separate",
    borderSpacing: 0,
    fontSize: tokens.fontSizeBase300,
    "& th": {
      textAlign: "start",
      fontSize: tokens.fontSizeBase200,
      fontWeight: tokens.fontWeightSemibold,
      color: tokens.colorNeutralForeground2,
      whiteSpace: "nowrap",
    },
    "& th, & td": {
      padding: "10px 12px",
      borderBottom: `1px solid ${tokens.colorNeutralStroke3}`,
      verticalAlign: "top",
    },
    "& tbody tr:last-child td": { borderBottom: "none" },
    "& .number": { textAlign: "end", fontVariantNumeric: "tabular-nums" },
  },
  mono: { fontFamily: tokens.fontFamilyMonospace, fontSize: "12px", overflowWrap: "anywhere" },
});
