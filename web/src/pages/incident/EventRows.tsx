import {
  Accordion,
  AccordionHeader,
  AccordionItem,
  AccordionPanel,
  makeStyles,
  Spinner,
  Switch,
  tokens,
} from "@fluentui/react-components";
import { useState } from "react";
import { useEventRow } from "../../api/incidents";
import type { RowRef } from "../../api/types";
import { messageOf } from "../../parts/states";
import { useSurface } from "../../parts/surface";
import { Untrusted } from "../../parts/Untrusted";
import { dateTime, parseTime } from "../../parts/when";
import { count } from "../../parts/words";

const useStyles = makeStyles({
  list: { display: "grid" },
  fields: {
    display: "grid",
    gridTemplateColumns: "minmax(120px, 38%) minmax(0, 1fr)",
    fontSize: tokens.fontSizeBase200,
    "& dt, & dd": {
      padding: "5px 8px 5px 0",
      borderBottom: `1px solid ${tokens.colorNeutralStroke3}`,
      overflowWrap: "anywhere",
    },
    "& dt": { color: tokens.colorNeutralForeground3 },
  },
  code: { fontFamily: tokens.fontFamilyMonospace, fontSize: "12px" },
});

const firstRows = 10;

/** The stored events that made the rule fire, each opened on demand. */
export function EventRows({ rows }: { rows: RowRef[] }) {
  const styles = useStyles();
  const surface = useSurface();
  const shown = rows.slice(0, firstRows);
  const [open, setOpen] = useState<string[]>([]);
  return (
    <div className={styles.list}>
      <Accordion multiple collapsible openItems={open} onToggle={(_, data) => setOpen(data.openItems as string[])}>
        {shown.map((row, at) => {
          const ms = parseTime(row.timestamp);
          const value = `${at}`;
          return (
            <AccordionItem key={`${row.table}${row.timestamp}${row.reportId}`} value={value}>
              <AccordionHeader size="small">
                {row.table}
                {ms !== undefined && ` · ${dateTime(ms)}`}
              </AccordionHeader>
              <AccordionPanel>{open.includes(value) && <EventRow row={row} />}</AccordionPanel>
            </AccordionItem>
          );
        })}
      </Accordion>
      {rows.length > shown.length && (
        <p className={surface.muted}>{count(rows.length - shown.length, "more event")} not listed here.</p>
      )}
    </div>
  );
}

function EventRow({ row }: { row: RowRef }) {
  const styles = useStyles();
  const { data, error, isPending } = useEventRow(row, true);
  const [empty, setEmpty] = useState(false);
  if (isPending) return <Spinner size="tiny" label="Reading the event" />;
  if (error) return <p>{messageOf(error)}</p>;
  const fields = Object.entries(data).filter(([, value]) => empty || !isEmpty(value));
  return (
    <>
      <dl className={styles.fields}>
        {fields.map(([name, value]) => (
          <Field key={name} name={name} value={value} />
        ))}
      </dl>
      <Switch label="Show empty fields" checked={empty} onChange={(_, state) => setEmpty(state.checked)} />
    </>
  );
}

function Field({ name, value }: { name: string; value: unknown }) {
  const styles = useStyles();
  const nested = typeof value === "object" && value !== null;
  return (
    <>
      <dt>{name}</dt>
      <dd className={styles.code}>
        <Untrusted text={nested ? JSON.stringify(value, null, 2) : String(value ?? "")} lines />
      </dd>
    </>
  );
}

function isEmpty(value: unknown): boolean {
  if (value === null || value === undefined || value === "") return true;
  return typeof value === "object" && Object.keys(value).length === 0;
}
