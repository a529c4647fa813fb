// What a place shows when it has nothing to show: still loading, empty, or failed.
import { Button, makeStyles, mergeClasses, Skeleton, SkeletonItem, tokens } from "@fluentui/react-components";
import type { ComponentType, ReactNode } from "react";
import { ApiError } from "../api/client";
import { ErrorCircleRegular } from "./icons";
import { own } from "./theme";

const useStyles = makeStyles({
  state: {
    display: "flex",
    flexDirection: "column",
    alignItems: "center",
    gap: "8px",
    padding: "48px 24px",
    textAlign: "center",
    color: tokens.colorNeutralForeground2,
    "& p": { maxWidth: "44ch" },
  },
  icon: {
    display: "grid",
    placeItems: "center",
    width: "56px",
    height: "56px",
    marginBottom: "4px",
    borderRadius: "50%",
    fontSize: "28px",
    color: tokens.colorBrandForeground1,
    backgroundColor: own("severityInfoTint"),
  },
  failed: { color: own("severityHighText"), backgroundColor: own("severityHighTint") },
  title: {
    fontSize: tokens.fontSizeBase400,
    fontWeight: tokens.fontWeightSemibold,
    color: tokens.colorNeutralForeground1,
  },
  action: { marginTop: "8px" },
  lines: { display: "grid", gap: "12px", padding: "16px" },
});

interface EmptyProps {
  icon: ComponentType;
  title: string;
  children?: ReactNode;
  action?: ReactNode;
}

export function EmptyState({ icon: Icon, title, children, action }: EmptyProps) {
  const styles = useStyles();
  return (
    <div className={styles.state}>
      <span className={styles.icon}>
        <Icon />
      </span>
      <p className={styles.title}>{title}</p>
      {children && <p>{children}</p>}
      {action && <div className={styles.action}>{action}</div>}
    </div>
  );
}

export function ErrorState({ error, retry }: { error: unknown; retry?: () => void }) {
  const styles = useStyles();
  return (
    <div className={styles.state} role="alert">
      <span className={mergeClasses(styles.icon, styles.failed)}>
        <ErrorCircleRegular />
      </span>
      <p className={styles.title}>{title(error)}</p>
      <p>{messageOf(error)}</p>
      {retry && (
        <Button className={styles.action} onClick={retry}>
          Try again
        </Button>
      )}
    </div>
  );
}

function title(error: unknown): string {
  if (error instanceof ApiError && error.status === 404) return "Not found";
  if (error instanceof ApiError && error.status === 403) return "Not allowed";
  return "This could not be loaded";
}

/** What to tell the person about a failure of any kind. */
export function messageOf(error: unknown): string {
  return error instanceof ApiError ? error.message : "Something went wrong in the portal itself. Reload the page.";
}

/** Grey lines in the place of rows that are on their way. */
export function LoadingLines({
  rows = 6,
  height = 20,
  label,
}: {
  rows?: number;
  height?: 16 | 20 | 32 | 48;
  label: string;
}) {
  const styles = useStyles();
  return (
    <Skeleton className={styles.lines} aria-label={label}>
      {Array.from({ length: rows }, (_, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: these lines have no identity
        <SkeletonItem key={i} size={height} style={{ width: `${96 - ((i * 17) % 38)}%` }} />
      ))}
    </Skeleton>
  );
}
