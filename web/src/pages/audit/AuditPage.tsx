import {
  Button,
  MessageBar,
  MessageBarBody,
  MessageBarTitle,
  makeStyles,
  Spinner,
  tokens,
} from "@fluentui/react-components";
import { useMemo } from "react";
import { useSearchParams } from "react-router";
import { exportAddress, useAudit, useVerification } from "../../api/record";
import { ArrowDownloadRegular, HistoryRegular, ShieldTaskRegular } from "../../parts/icons";
import { RecordEntries } from "../../parts/RecordEntries";
import { RecordFilters } from "../../parts/RecordFilters";
import { filtered, filterOf } from "../../parts/recordFilter";
import { EmptyState, ErrorState, LoadingLines, messageOf } from "../../parts/states";
import { useSurface } from "../../parts/surface";
import { useTitle } from "../../parts/useTitle";
import { When } from "../../parts/When";
import { count } from "../../parts/words";

const useStyles = makeStyles({
  page: {
    display: "grid",
    gridTemplateColumns: "minmax(0, 1fr)",
    gap: "12px",
    padding: "20px 24px 32px",
    "@media (max-width: 720px)": { padding: "16px" },
  },
  head: { display: "flex", flexWrap: "wrap", alignItems: "end", justifyContent: "space-between", gap: "12px" },
  title: {
    fontSize: tokens.fontSizeBase600,
    lineHeight: tokens.lineHeightBase600,
    fontWeight: tokens.fontWeightSemibold,
  },
  actions: { display: "flex", flexWrap: "wrap", gap: "8px" },
});

/** Who changed what, over the whole portal, and whether the record of it is whole. */
export default function AuditPage() {
  const styles = useStyles();
  const surface = useSurface();
  useTitle("Record of changes");
  const [params] = useSearchParams();
  const filter = useMemo(() => filterOf(params), [params]);
  const { data, isPending, error, refetch, hasNextPage, isFetchingNextPage, fetchNextPage } = useAudit(filter);
  const check = useVerification();
  const entries = data?.pages.flatMap((page) => page.value) ?? [];
  return (
    <div className={styles.page}>
      <div className={styles.head}>
        <div>
          <h1 className={styles.title}>Record of changes</h1>
          <p className={surface.muted}>
            Every change by people, programs and Tocsin itself. Nothing in it can be altered or removed here.
          </p>
        </div>
        <div className={styles.actions}>
          <Button
            icon={check.isFetching ? <Spinner size="tiny" /> : <ShieldTaskRegular />}
            disabled={check.isFetching}
            onClick={() => void check.refetch()}
          >
            Check the record
          </Button>
          <Button as="a" icon={<ArrowDownloadRegular />} href={exportAddress(filter)} download>
            {filtered(params) ? "Export what is shown" : "Export"}
          </Button>
        </div>
      </div>
      <div aria-live="polite">
        {check.error && (
          <MessageBar intent="error" layout="multiline">
            <MessageBarBody>{messageOf(check.error)}</MessageBarBody>
          </MessageBar>
        )}
        {check.data && !check.error && (
          <MessageBar intent={check.data.ok ? "success" : "error"} layout="multiline">
            <MessageBarBody>
              <MessageBarTitle>{check.data.ok ? "The record is whole" : "The record is damaged"}</MessageBarTitle>
              {check.data.ok
                ? `${count(check.data.lines, "entry", "entries")}, each fits the one before it. `
                : `${check.data.fault}. ${count(check.data.lines, "entry", "entries")} before it are sound. `}
              {check.data.note} Checked <When at={check.data.checked} />.
              {check.data.head && (
                <div className={surface.mono}>
                  {check.data.ok ? "Head" : "Last sound entry"} {check.data.head}
                </div>
              )}
            </MessageBarBody>
          </MessageBar>
        )}
      </div>
      <div>
        <RecordFilters />
        {isPending ? (
          <LoadingLines rows={8} height={32} label="Loading the record" />
        ) : error && entries.length === 0 ? (
          <ErrorState error={error} retry={() => void refetch()} />
        ) : entries.length === 0 && !hasNextPage ? (
          <EmptyState icon={HistoryRegular} title="No entries match" />
        ) : (
          <RecordEntries
            entries={entries}
            more={hasNextPage ? { loading: isFetchingNextPage, load: () => void fetchNextPage() } : undefined}
          />
        )}
      </div>
    </div>
  );
}
