import { makeStyles } from "@fluentui/react-components";

/**
 * Fields side by side with a button behind them. They hang from the top, so that a message below one field does not
 * lift it above the others; the button begins where the fields do, below their labels.
 */
export const useFormRow = makeStyles({
  row: {
    display: "grid",
    gap: "12px",
    alignItems: "start",
    "@media (max-width: 1100px)": { gridTemplateColumns: "minmax(0, 1fr) !important" },
    "& > *": { minWidth: 0 },
    "& .fui-Select, & .fui-Input": { minWidth: 0, width: "100%" },
    "& > button": { marginTop: "26px", "@media (max-width: 1100px)": { marginTop: 0, justifySelf: "start" } },
  },
});
