import {
  Button,
  Dialog,
  DialogActions,
  DialogBody,
  DialogContent,
  DialogSurface,
  DialogTitle,
  Menu,
  MenuDivider,
  MenuGroup,
  MenuGroupHeader,
  MenuItem,
  MenuItemRadio,
  MenuList,
  MenuPopover,
  MenuTrigger,
  makeStyles,
  mergeClasses,
  OverlayDrawer,
  Tooltip,
  tokens,
} from "@fluentui/react-components";
import { type ComponentType, type ReactNode, useState } from "react";
import { NavLink, useLocation } from "react-router";
import { type Liveness, useChanges } from "../api/changes";
import { useCan, useSession, useSignOut } from "../api/session";
import { BulkProgress } from "./BulkProgress";
import { ChangePassword } from "./ChangePassword";
import {
  AlertRegular,
  ChevronDownRegular,
  DatabaseRegular,
  DismissRegular,
  DocumentSearchRegular,
  HistoryRegular,
  KeyRegular,
  NavigationRegular,
  PanelLeftContractRegular,
  PanelLeftExpandRegular,
  SettingsRegular,
  ShieldTaskRegular,
  SignOutRegular,
  WeatherMoonRegular,
  WeatherSunnyRegular,
} from "./icons";
import { Logo } from "./Logo";
import { messageOf } from "./states";
import { own, type ThemeChoice, useTheme } from "./theme";
import { usePhone } from "./useMedia";

const useStyles = makeStyles({
  shell: { display: "grid", gridTemplateRows: "48px minmax(0, 1fr) auto", height: "100dvh" },
  skip: {
    position: "fixed",
    top: "6px",
    left: "8px",
    zIndex: 10,
    padding: "8px 16px",
    borderRadius: "4px",
    color: tokens.colorNeutralForeground1,
    backgroundColor: own("surface"),
    transform: "translateY(-64px)",
    ":focus": { transform: "none", outline: `2px solid ${tokens.colorStrokeFocus2}` },
  },
  bar: {
    display: "flex",
    alignItems: "center",
    gap: "8px",
    paddingInline: "8px 12px",
    color: "#ffffff",
    backgroundColor: own("bar"),
  },
  barButton: {
    color: "#ffffff",
    minWidth: "36px",
    ":hover": { color: "#ffffff", backgroundColor: "rgba(255,255,255,0.12)" },
    ":hover:active": { color: "#ffffff", backgroundColor: "rgba(255,255,255,0.18)" },
    ":hover .fui-Button__icon": { color: "#ffffff" },
    ":focus-visible": { outline: "2px solid #ffffff", outlineOffset: "-2px" },
  },
  brand: {
    display: "inline-flex",
    alignItems: "center",
    gap: "8px",
    fontSize: tokens.fontSizeBase400,
    fontWeight: tokens.fontWeightSemibold,
    color: "#ffffff",
    textDecoration: "none",
    borderRadius: "4px",
    padding: "4px 6px",
    ":focus-visible": { outline: "2px solid #ffffff" },
  },
  tenant: {
    paddingInlineStart: "12px",
    marginInlineStart: "4px",
    borderLeft: "1px solid rgba(255,255,255,0.28)",
    color: "rgba(255,255,255,0.82)",
    overflow: "hidden",
    textOverflow: "ellipsis",
    whiteSpace: "nowrap",
    minWidth: 0,
  },
  gap: { flexGrow: 1 },
  live: {
    display: "inline-flex",
    alignItems: "center",
    gap: "6px",
    marginInlineEnd: "8px",
    fontSize: tokens.fontSizeBase200,
    color: "rgba(255,255,255,0.86)",
    whiteSpace: "nowrap",
  },
  dot: { width: "8px", height: "8px", borderRadius: "50%", backgroundColor: "#5fd38d" },
  dotWaiting: { backgroundColor: "#f2b84b" },
  body: { display: "grid", gridTemplateColumns: "auto minmax(0, 1fr)", minHeight: 0 },
  nav: {
    display: "flex",
    flexDirection: "column",
    width: "208px",
    padding: "12px 8px",
    backgroundColor: own("surface"),
    borderRight: `1px solid ${tokens.colorNeutralStroke2}`,
  },
  navNarrow: { width: "56px" },
  navList: { display: "grid", gap: "2px" },
  navLink: {
    position: "relative",
    display: "flex",
    alignItems: "center",
    gap: "12px",
    height: "40px",
    paddingInline: "10px",
    borderRadius: "6px",
    color: tokens.colorNeutralForeground1,
    textDecoration: "none",
    whiteSpace: "nowrap",
    overflow: "hidden",
    "& svg": { fontSize: "20px", flexShrink: 0 },
    ":hover": { backgroundColor: tokens.colorSubtleBackgroundHover },
    ":focus-visible": { outline: `2px solid ${tokens.colorStrokeFocus2}`, outlineOffset: "-2px" },
    "&.active": {
      fontWeight: tokens.fontWeightSemibold,
      color: tokens.colorBrandForeground1,
      backgroundColor: tokens.colorSubtleBackgroundSelected,
    },
    "&.active::before": {
      content: '""',
      position: "absolute",
      insetInlineStart: "0",
      top: "10px",
      bottom: "10px",
      width: "3px",
      borderRadius: "2px",
      backgroundColor: tokens.colorBrandForeground1,
    },
  },
  fold: { marginTop: "auto", alignSelf: "flex-start" },
  main: {
    minWidth: 0,
    minHeight: 0,
    overflow: "auto",
    outline: "none",
    ":focus-visible": { outline: `2px solid ${tokens.colorStrokeFocus2}`, outlineOffset: "-2px" },
  },
  drawer: { width: "272px", backgroundColor: own("surface") },
  drawerHead: {
    alignSelf: "stretch",
    display: "flex",
    alignItems: "center",
    justifyContent: "space-between",
    padding: "8px 8px 8px 18px",
    fontWeight: tokens.fontWeightSemibold,
  },
  drawerNav: { alignSelf: "stretch", padding: "4px 8px" },
  hideOnPhone: { "@media (max-width: 720px)": { display: "none" } },
});

const foldKey = "tocsin.nav.folded";

/** The frame around every page: bar at the top, navigation at the left (a drawer on a phone), the page in between. */
export function Shell({ children }: { children: ReactNode }) {
  const styles = useStyles();
  const phone = usePhone();
  const { pathname } = useLocation();
  const [folded, setFolded] = useState(() => localStorage.getItem(foldKey) === "1");
  const [drawerOn, setDrawerOn] = useState<string>();
  // Going anywhere closes the drawer: it was opened on another page.
  const drawerOpen = phone && drawerOn === pathname;
  const mayReadIncidents = useCan("incident.read");
  const liveness = useChanges(mayReadIncidents);
  const tenant = useSession().data?.tenant.name;
  return (
    <div className={styles.shell}>
      <a className={styles.skip} href="#main">
        Skip to content
      </a>
      <header className={styles.bar}>
        {phone && (
          <Button
            appearance="subtle"
            className={styles.barButton}
            icon={<NavigationRegular />}
            aria-label="Open navigation"
            onClick={() => setDrawerOn(pathname)}
          />
        )}
        <NavLink to="/incidents" className={styles.brand}>
          <Logo />
          Tocsin
        </NavLink>
        {tenant && <span className={mergeClasses(styles.tenant, styles.hideOnPhone)}>{tenant}</span>}
        <span className={styles.gap} />
        <LiveIndicator liveness={liveness} />
        <ThemeToggle />
        <UserMenu />
      </header>
      <div className={styles.body}>
        {phone ? (
          <span />
        ) : (
          <nav className={mergeClasses(styles.nav, folded && styles.navNarrow)} aria-label="Main">
            <NavLinks folded={folded} />
            <Tooltip content={folded ? "Show names" : "Show icons only"} relationship="label" positioning="after">
              <Button
                className={styles.fold}
                appearance="subtle"
                icon={folded ? <PanelLeftExpandRegular /> : <PanelLeftContractRegular />}
                onClick={() => {
                  localStorage.setItem(foldKey, folded ? "0" : "1");
                  setFolded(!folded);
                }}
              />
            </Tooltip>
          </nav>
        )}
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a page that scrolls must be reachable by keyboard */}
        <main id="main" className={styles.main} tabIndex={0}>
          {children}
        </main>
      </div>
      <BulkProgress enabled={mayReadIncidents} />
      <OverlayDrawer
        open={drawerOpen}
        position="start"
        aria-label="Navigation"
        className={styles.drawer}
        onOpenChange={(_, data) => !data.open && setDrawerOn(undefined)}
      >
        <div className={styles.drawerHead}>
          {tenant ?? "Tocsin"}
          <Button
            appearance="subtle"
            icon={<DismissRegular />}
            aria-label="Close navigation"
            onClick={() => setDrawerOn(undefined)}
          />
        </div>
        <nav className={styles.drawerNav} aria-label="Main">
          <NavLinks onGo={() => setDrawerOn(undefined)} />
        </nav>
      </OverlayDrawer>
    </div>
  );
}

function NavLinks({ folded, onGo }: { folded?: boolean; onGo?: () => void }) {
  const styles = useStyles();
  const mayReadIncidents = useCan("incident.read");
  const mayReadAlerts = useCan("alert.read");
  const mayReadIntake = useCan("intake.read");
  const mayHunt = useCan("hunt.run");
  const mayAudit = useCan("audit.read");
  const mayReadRules = useCan("rule.read");
  const links: { to: string; label: string; icon: ComponentType; shown: boolean }[] = [
    { to: "/incidents", label: "Incidents", icon: ShieldTaskRegular, shown: mayReadIncidents },
    { to: "/alerts", label: "Alerts", icon: AlertRegular, shown: mayReadAlerts },
    { to: "/hunting", label: "Advanced hunting", icon: DocumentSearchRegular, shown: mayHunt },
    { to: "/data", label: "Data sources", icon: DatabaseRegular, shown: mayReadIntake },
    { to: "/audit", label: "Record of changes", icon: HistoryRegular, shown: mayAudit },
    { to: "/settings", label: "Settings", icon: SettingsRegular, shown: mayReadRules },
  ];
  return (
    <ul className={styles.navList}>
      {links
        .filter(({ shown }) => shown)
        .map(({ to, label, icon: Icon }) => (
          <li key={to}>
            <NavLink
              to={to}
              className={styles.navLink}
              aria-label={label}
              title={folded ? label : undefined}
              onClick={onGo}
            >
              <Icon />
              {!folded && label}
            </NavLink>
          </li>
        ))}
    </ul>
  );
}

const livenessWords: Record<Liveness, [string, string]> = {
  connecting: ["Connecting", "Connecting to the server for live updates"],
  live: ["Live", "This page updates itself"],
  reconnecting: ["Reconnecting", "The connection was lost. What you see may be out of date until it is back."],
};

function LiveIndicator({ liveness }: { liveness: Liveness }) {
  const styles = useStyles();
  const [word, explanation] = livenessWords[liveness];
  return (
    <span className={styles.live} role="status" title={explanation}>
      <span className={mergeClasses(styles.dot, liveness !== "live" && styles.dotWaiting)} />
      <span className={liveness === "live" ? styles.hideOnPhone : undefined}>{word}</span>
    </span>
  );
}

function ThemeToggle() {
  const styles = useStyles();
  const { dark, choose } = useTheme();
  const label = dark ? "Switch to light colors" : "Switch to dark colors";
  return (
    <Tooltip content={label} relationship="label">
      <Button
        appearance="subtle"
        className={styles.barButton}
        icon={dark ? <WeatherSunnyRegular /> : <WeatherMoonRegular />}
        onClick={() => choose(dark ? "light" : "dark")}
      />
    </Tooltip>
  );
}

function UserMenu() {
  const styles = useStyles();
  const { choice, choose } = useTheme();
  const session = useSession().data;
  const signOut = useSignOut();
  const [changing, setChanging] = useState(false);
  if (!session) return null;
  const name = session.user.displayName || session.user.userName;
  return (
    <>
      <Menu
        checkedValues={{ theme: [choice] }}
        onCheckedValueChange={(_, data) => choose((data.checkedItems[0] ?? "system") as ThemeChoice)}
      >
        <MenuTrigger disableButtonEnhancement>
          <Button
            appearance="subtle"
            className={styles.barButton}
            icon={<ChevronDownRegular />}
            iconPosition="after"
            aria-label={`Account of ${name}`}
          >
            <span className={styles.hideOnPhone}>{name}</span>
          </Button>
        </MenuTrigger>
        <MenuPopover>
          <MenuList>
            <MenuGroup>
              <MenuGroupHeader>{name}</MenuGroupHeader>
              <MenuItem icon={<KeyRegular />} onClick={() => setChanging(true)}>
                Change password
              </MenuItem>
              <MenuItem icon={<SignOutRegular />} onClick={() => signOut.mutate()}>
                Sign out
              </MenuItem>
            </MenuGroup>
            <MenuDivider />
            <MenuGroup>
              <MenuGroupHeader>Colors</MenuGroupHeader>
              <MenuItemRadio name="theme" value="light">
                Light
              </MenuItemRadio>
              <MenuItemRadio name="theme" value="dark">
                Dark
              </MenuItemRadio>
              <MenuItemRadio name="theme" value="system">
                Same as the system
              </MenuItemRadio>
            </MenuGroup>
            <MenuDivider />
            <MenuGroup>
              <MenuGroupHeader>Tocsin {session.version}</MenuGroupHeader>
            </MenuGroup>
          </MenuList>
        </MenuPopover>
      </Menu>
      {changing && <ChangePassword onClose={() => setChanging(false)} />}
      {signOut.isError && (
        <Dialog open onOpenChange={() => signOut.reset()}>
          <DialogSurface>
            <DialogBody>
              <DialogTitle>You are still signed in</DialogTitle>
              <DialogContent>{messageOf(signOut.error)}</DialogContent>
              <DialogActions>
                <Button appearance="primary" onClick={() => signOut.mutate()}>
                  Try again
                </Button>
                <Button onClick={() => signOut.reset()}>Close</Button>
              </DialogActions>
            </DialogBody>
          </DialogSurface>
        </Dialog>
      )}
    </>
  );
}
