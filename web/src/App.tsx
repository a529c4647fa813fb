import { makeStyles, Spinner } from "@fluentui/react-components";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { lazy, type ReactNode, Suspense } from "react";
import { BrowserRouter, Navigate, Route, Routes, useLocation } from "react-router";
import { ApiError, whenSignedOut } from "./api/client";
import { useCan, useSession } from "./api/session";
import { Crash } from "./parts/Crash";
import { SearchRegular, ShieldRegular } from "./parts/icons";
import { Shell } from "./parts/Shell";
import { EmptyState, ErrorState } from "./parts/states";
import { ThemeProvider } from "./parts/theme";
import { useTitle } from "./parts/useTitle";

const SignInPage = lazy(() => import("./pages/signin/SignInPage"));
const QueuePage = lazy(() => import("./pages/queue/QueuePage"));
const AlertsPage = lazy(() => import("./pages/alerts/AlertsPage"));
const IncidentPage = lazy(() => import("./pages/incident/IncidentPage"));
const DataPage = lazy(() => import("./pages/data/DataPage"));
const AuditPage = lazy(() => import("./pages/audit/AuditPage"));
const SettingsPage = lazy(() => import("./pages/settings/SettingsPage"));
const HuntingPage = lazy(() => import("./pages/hunting/HuntingPage"));

const client = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 10_000,
      // An answer of the server stays the same when asked again; a connection that failed may come back.
      retry: (failures, error) =>
        failures < 2 && !(error instanceof ApiError && error.status >= 400 && error.status < 500),
    },
  },
});
whenSignedOut(() => client.setQueryData(["session"], null));

const useStyles = makeStyles({ wait: { display: "grid", placeItems: "center", minHeight: "40vh", height: "100%" } });

export function App() {
  return (
    <QueryClientProvider client={client}>
      <ThemeProvider>
        {/* The filters live in the address. As a transition, a new address could come after the next click on a filter,
            which would then undo the first. */}
        <BrowserRouter useTransitions={false}>
          <Gate />
        </BrowserRouter>
      </ThemeProvider>
    </QueryClientProvider>
  );
}

/** Lets in who is signed in and shows everybody else the sign-in page, at the address they came for. */
function Gate() {
  const { data: session, isPending, error, refetch } = useSession();
  if (isPending) return <Wait label="Starting Tocsin" />;
  if (error) return <ErrorState error={error} retry={() => void refetch()} />;
  if (!session)
    return (
      <Suspense fallback={<Wait label="Starting Tocsin" />}>
        <SignInPage />
      </Suspense>
    );
  return (
    <Shell>
      <Pages />
    </Shell>
  );
}

function Pages() {
  const { pathname } = useLocation();
  return (
    <Crash key={pathname.split("/").slice(0, 3).join("/")}>
      <Suspense fallback={<Wait label="Loading the page" />}>
        <Routes>
          <Route path="/" element={<Navigate to="/incidents" replace />} />
          <Route path="/sign-in" element={<Navigate to="/incidents" replace />} />
          <Route path="/incidents" element={<May do="incident.read" page={<QueuePage />} />} />
          <Route path="/alerts" element={<May do="alert.read" page={<AlertsPage />} />} />
          <Route path="/incidents/:id" element={<ToAlerts />} />
          <Route path="/incidents/:id/:tab" element={<May do="incident.read" page={<IncidentPage />} />} />
          <Route path="/data" element={<May do="intake.read" page={<DataPage />} />} />
          <Route path="/hunting" element={<May do="hunt.run" page={<HuntingPage />} />} />
          <Route path="/audit" element={<May do="audit.read" page={<AuditPage />} />} />
          <Route path="/settings" element={<May do="rule.read" page={<SettingsPage />} />} />
          <Route path="/settings/:section" element={<May do="rule.read" page={<SettingsPage />} />} />
          <Route path="*" element={<NotFound />} />
        </Routes>
      </Suspense>
    </Crash>
  );
}

/** Graph's web links name the incident and the alert but no tab. */
function ToAlerts() {
  const { search } = useLocation();
  return <Navigate to={`alerts${search}`} replace />;
}

function May({ do: permission, page }: { do: string; page: ReactNode }) {
  if (useCan(permission)) return page;
  return (
    <EmptyState icon={ShieldRegular} title="You may not see this page">
      Your role does not include it. An administrator can change that.
    </EmptyState>
  );
}

function NotFound() {
  useTitle("Not found");
  return (
    <EmptyState icon={SearchRegular} title="There is no such page">
      Check the address, or start from the navigation.
    </EmptyState>
  );
}

function Wait({ label }: { label: string }) {
  const styles = useStyles();
  return (
    <div className={styles.wait}>
      <Spinner label={label} delay={200} />
    </div>
  );
}
