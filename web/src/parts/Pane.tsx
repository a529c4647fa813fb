import { Button, makeStyles, mergeClasses, OverlayDrawer, tokens } from "@fluentui/react-components";
import type { ReactNode } from "react";
import { DismissRegular } from "./icons";
import { own } from "./theme";
import { usePhone } from "./useMedia";

const useStyles = makeStyles({
  drawer: { width: "480px", maxWidth: "100vw", backgroundColor: own("surface") },
  wide: { width: "560px" },
  whole: { width: "100vw" },
  header: {
    alignSelf: "stretch",
    display: "flex",
    alignItems: "center",
    gap: "4px",
    minHeight: "52px",
    padding: "8px 12px 8px 20px",
    borderBottom: `1px solid ${tokens.colorNeutralStroke2}`,
  },
  title: {
    flexGrow: 1,
    minWidth: 0,
    fontSize: tokens.fontSizeBase400,
    lineHeight: tokens.lineHeightBase400,
    fontWeight: tokens.fontWeightSemibold,
    overflow: "hidden",
    textOverflow: "ellipsis",
    whiteSpace: "nowrap",
  },
  body: { alignSelf: "stretch", flexGrow: 1, minHeight: 0, overflowY: "auto", padding: "16px 20px 24px" },
  footer: {
    alignSelf: "stretch",
    display: "flex",
    flexWrap: "wrap",
    gap: "8px",
    padding: "12px 20px",
    borderTop: `1px solid ${tokens.colorNeutralStroke2}`,
  },
});

interface Props {
  open: boolean;
  onClose: () => void;
  title: ReactNode;
  /** What screen readers call the pane. */
  label: string;
  actions?: ReactNode;
  footer?: ReactNode;
  /** Blocks the page behind: for forms. Other panes leave the page usable, except on a phone, where they cover it. */
  modal?: boolean;
  wide?: boolean;
  children: ReactNode;
}

/** A pane at the right edge that holds details or a form. Escape closes it. */
export function Pane({ open, onClose, title, label, actions, footer, modal, wide, children }: Props) {
  const styles = useStyles();
  const phone = usePhone();
  return (
    <OverlayDrawer
      open={open}
      onOpenChange={(_, data) => !data.open && onClose()}
      modalType={modal || phone ? "modal" : "non-modal"}
      position="end"
      aria-label={label}
      className={mergeClasses(styles.drawer, phone ? styles.whole : wide && styles.wide)}
      onKeyDown={(event) => {
        if (event.key === "Escape" && !event.defaultPrevented) onClose();
      }}
    >
      <div className={styles.header}>
        <h2 className={styles.title}>{title}</h2>
        {actions}
        <Button appearance="subtle" icon={<DismissRegular />} aria-label="Close" onClick={onClose} />
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard */}
      <section className={styles.body} tabIndex={0} aria-label={`${label}, content`}>
        {children}
      </section>
      {footer && <div className={styles.footer}>{footer}</div>}
    </OverlayDrawer>
  );
}
