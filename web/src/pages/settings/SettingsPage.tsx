import { makeStyles, tokens } from "@fluentui/react-components";
import { type ComponentType, lazy } from "react";
import { Navigate, NavLink, useParams } from "react-router";
import { useCan } from "../../api/session";
import { useTitle } from "../../parts/useTitle";

const Correlation = lazy(() => import("./Correlation"));
const Priority = lazy(() => import("./Priority"));
const DeviceGroups = lazy(() => import("./DeviceGroups"));

/** The sections: a further one is a line here. */
const sections: { path: string; label: string; permission: string; page: ComponentType }[] = [
  { path: "correlation", label: "Correlation", permission: "rule.read", page: Correlation },
  { path: "priority", label: "Priority score", permission: "incident.read", page: Priority },
  { path: "devicegroups", label: "Device groups", permission: "incident.read", page: DeviceGroups },
];

const useStyles = makeStyles({
  page: { display: "grid", gap: "16px", padding: "20px 24px 32px", "@media (max-width: 720px)": { padding: "16px" } },
  title: {
    fontSize: tokens.fontSizeBase600,
    lineHeight: tokens.lineHeightBase600,
    fontWeight: tokens.fontWeightSemibold,
  },
  columns: {
    display: "grid",
    gridTemplateColumns: "160px minmax(0, 1fr)",
    gap: "24px",
    alignItems: "start",
    "@media (max-width: 720px)": { gridTemplateColumns: "minmax(0, 1fr)", gap: "12px" },
  },
  list: {
    display: "grid",
    gap: "2px",
    listStyleType: "none",
    margin: 0,
    padding: 0,
    "@media (max-width: 720px)": { display: "flex", flexWrap: "wrap" },
  },
  link: {
    display: "block",
    padding: "8px 12px",
    borderRadius: "6px",
    color: tokens.colorNeutralForeground1,
    textDecoration: "none",
    ":hover": { backgroundColor: tokens.colorSubtleBackgroundHover },
    ":focus-visible": { outline: `2px solid ${tokens.colorStrokeFocus2}` },
    "&.active": {
      fontWeight: tokens.fontWeightSemibold,
      color: tokens.colorBrandForeground1,
      backgroundColor: tokens.colorSubtleBackgroundSelected,
    },
  },
});

/** What is set for everybody: a list of sections, and the one that is chosen. */
export default function SettingsPage() {
  const styles = useStyles();
  const { section } = useParams();
  const can: Record<string, boolean> = {
    "rule.read": useCan("rule.read"),
    "incident.read": useCan("incident.read"),
  };
  const open = sections.filter((s) => can[s.permission]);
  const chosen = open.find((s) => s.path === section);
  useTitle(chosen ? `${chosen.label} settings` : "Settings");
  if (!chosen) return <Navigate to={`/settings/${open[0]?.path ?? "correlation"}`} replace />;
  const Page = chosen.page;
  return (
    <div className={styles.page}>
      <h1 className={styles.title}>Settings</h1>
      <div className={styles.columns}>
        <nav aria-label="Settings">
          <ul className={styles.list}>
            {open.map((s) => (
              <li key={s.path}>
                <NavLink to={`/settings/${s.path}`} className={styles.link}>
                  {s.label}
                </NavLink>
              </li>
            ))}
          </ul>
        </nav>
        <Page />
      </div>
    </div>
  );
}
