import { Button, MessageBar, MessageBarBody, makeStyles, ProgressBar, tokens } from "@fluentui/react-components";
import { useEffect, useId, useRef, useState } from "react";
import { type DeviceGroup, useDeviceGroups, usePutDeviceGroup } from "../../api/deviceGroups";
import { useCan } from "../../api/session";
import {
  AddRegular,
  ArrowDownRegular,
  ArrowUpRegular,
  DeleteRegular,
  DesktopRegular,
  EditRegular,
} from "../../parts/icons";
import { EmptyState, ErrorState, LoadingLines, messageOf } from "../../parts/states";
import { useSurface } from "../../parts/surface";
import { Untrusted } from "../../parts/Untrusted";
import { usePhone } from "../../parts/useMedia";
import { DeleteDeviceGroup } from "./DeleteDeviceGroup";
import { DeviceGroupPane } from "./DeviceGroupPane";
import { bodyOf, conditionWords, levelWord, movedTo } from "./deviceRule";

const useStyles = makeStyles({
  card: { display: "grid", gridTemplateColumns: "minmax(0, 1fr)", gap: "12px", padding: "16px 20px" },
  head: { display: "flex", flexWrap: "wrap", gap: "12px", alignItems: "start", justifyContent: "space-between" },
  words: { flex: "1 1 320px" },
  sorting: { display: "grid", gap: "6px", maxWidth: "480px" },
  name: { minWidth: "150px", overflowWrap: "anywhere" },
  rule: { minWidth: "200px" },
  conditions: { listStyleType: "none", margin: 0, padding: 0 },
  buttons: { whiteSpace: "nowrap" },
  level: { minWidth: "140px" },
  stacked: { display: "grid", gap: "4px", marginTop: "4px" },
  value: { fontWeight: tokens.fontWeightSemibold },
});

type Open = { do: "edit"; group?: DeviceGroup } | { do: "delete"; group: DeviceGroup };

/** The groups that devices belong to, in the order in which their rules are asked. */
export default function DeviceGroups() {
  const styles = useStyles();
  const surface = useSurface();
  const heading = useId();
  const may = useCan("devicegroup.manage");
  const { data, isPending, error, refetch } = useDeviceGroups();
  const [open, setOpen] = useState<Open>();
  const groups = data?.value ?? [];
  const known = groups.reduce((sum, g) => sum + g.devices, data?.ungroupedDevices ?? 0);
  return (
    <section className={`${surface.card} ${styles.card}`} aria-labelledby={heading}>
      <div className={styles.head}>
        <div className={styles.words}>
          <h2 id={heading} className={surface.heading}>
            Device groups
          </h2>
          <p className={surface.muted}>
            A device belongs to the first group whose rule takes it. People may be limited to the incidents of some
            groups.
          </p>
        </div>
        {may && data && (
          <Button icon={<AddRegular />} onClick={() => setOpen({ do: "edit" })}>
            Add a group
          </Button>
        )}
      </div>
      {isPending && <LoadingLines label="Loading device groups" />}
      {error && <ErrorState error={error} retry={() => void refetch()} />}
      {data?.sorting && (
        <div className={styles.sorting} role="status">
          <span>Devices are being put into groups: {data.sorted} so far.</span>
          <ProgressBar
            aria-label="Devices put into groups"
            value={known > 0 ? Math.min(1, data.sorted / known) : undefined}
          />
        </div>
      )}
      {data && groups.length === 0 && (
        <EmptyState icon={DesktopRegular} title="There is no device group">
          All {data.ungroupedDevices} known devices are ungrouped.
        </EmptyState>
      )}
      {data && groups.length > 0 && (
        <List groups={groups} ungrouped={data.ungroupedDevices} may={may} onOpen={setOpen} />
      )}
      {open?.do === "edit" && <DeviceGroupPane group={open.group} onClose={() => setOpen(undefined)} />}
      {open?.do === "delete" && <DeleteDeviceGroup group={open.group} onClose={() => setOpen(undefined)} />}
    </section>
  );
}

interface ListProps {
  groups: DeviceGroup[];
  ungrouped: number;
  may: boolean;
  onOpen: (open: Open) => void;
}

function List({ groups, ungrouped, may, onOpen }: ListProps) {
  const styles = useStyles();
  const surface = useSurface();
  const phone = usePhone();
  const put = usePutDeviceGroup();
  const table = useRef<HTMLTableElement>(null);
  const [moved, setMoved] = useState<{ id: number; by: -1 | 1 }>();
  const order = groups.map((g) => g.id).join(" ");
  // A row that changes its place loses the focus, and with it the place of whoever moves it by keyboard.
  // biome-ignore lint/correctness/useExhaustiveDependencies: it is the new order that takes the focus away
  useEffect(() => {
    if (moved) table.current?.querySelector<HTMLElement>(`[data-move="${moved.id} ${moved.by}"]`)?.focus();
  }, [order, moved]);
  const move = (group: DeviceGroup, by: -1 | 1) => {
    const rank = movedTo(group.rank, by, groups.length);
    if (rank === undefined || put.isPending) return;
    put.mutate({ id: group.id, body: { ...bodyOf(group), rank } }, { onSuccess: () => setMoved({ id: group.id, by }) });
  };
  const last = groups.find((g) => g.id === moved?.id);
  return (
    <>
      {put.error && (
        <MessageBar intent="error" layout="multiline">
          <MessageBarBody>{messageOf(put.error)}</MessageBarBody>
        </MessageBar>
      )}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <section className={surface.scroller} tabIndex={0} aria-label="List of device groups">
        <table className={surface.table} ref={table}>
          <thead>
            <tr>
              <th scope="col" className="number">
                Order
              </th>
              <th scope="col">Group</th>
              {!phone && (
                <>
                  <th scope="col">Rule</th>
                  <th scope="col">Remediation</th>
                </>
              )}
              <th scope="col" className="number">
                Devices
              </th>
              {may && !phone && <th scope="col">Change</th>}
            </tr>
          </thead>
          <tbody>
            {groups.map((group) => (
              <tr key={group.id}>
                <td className="number">{group.rank}</td>
                <td className={styles.name}>
                  <Untrusted text={group.name} />
                  {group.description && (
                    <p className={surface.muted}>
                      <Untrusted text={group.description} />
                    </p>
                  )}
                  {phone && (
                    <div className={styles.stacked}>
                      <RuleWords group={group} />
                      <p>{levelWord(group.remediationLevel)}</p>
                      {may && <Buttons group={group} count={groups.length} onMove={move} onOpen={onOpen} />}
                    </div>
                  )}
                </td>
                {!phone && (
                  <>
                    <td className={styles.rule}>
                      <RuleWords group={group} />
                    </td>
                    <td className={styles.level}>{levelWord(group.remediationLevel)}</td>
                  </>
                )}
                <td className="number">{group.devices}</td>
                {may && !phone && (
                  <td>
                    <Buttons group={group} count={groups.length} onMove={move} onOpen={onOpen} />
                  </td>
                )}
              </tr>
            ))}
            <tr>
              <td />
              <td className={surface.muted}>Ungrouped devices</td>
              {!phone && (
                <>
                  <td className={surface.muted}>What no rule takes</td>
                  <td />
                </>
              )}
              <td className="number">{ungrouped}</td>
              {may && !phone && <td />}
            </tr>
          </tbody>
        </table>
      </section>
      <p className={surface.muted} role="status">
        {last && `${last.name} is now number ${last.rank} of ${groups.length}.`}
      </p>
    </>
  );
}

interface ButtonsProps {
  group: DeviceGroup;
  count: number;
  onMove: (group: DeviceGroup, by: -1 | 1) => void;
  onOpen: (open: Open) => void;
}

function Buttons({ group, count, onMove, onOpen }: ButtonsProps) {
  const styles = useStyles();
  const look = { appearance: "subtle", size: "small" } as const;
  return (
    <div className={styles.buttons}>
      <Button
        {...look}
        icon={<ArrowUpRegular />}
        data-move={`${group.id} -1`}
        aria-label={`Ask ${group.name} earlier`}
        disabledFocusable={group.rank === 1}
        onClick={() => onMove(group, -1)}
      />
      <Button
        {...look}
        icon={<ArrowDownRegular />}
        data-move={`${group.id} 1`}
        aria-label={`Ask ${group.name} later`}
        disabledFocusable={group.rank === count}
        onClick={() => onMove(group, 1)}
      />
      <Button
        {...look}
        icon={<EditRegular />}
        aria-label={`Edit ${group.name}`}
        onClick={() => onOpen({ do: "edit", group })}
      />
      <Button
        {...look}
        icon={<DeleteRegular />}
        aria-label={`Delete ${group.name}`}
        onClick={() => onOpen({ do: "delete", group })}
      />
    </div>
  );
}

function RuleWords({ group }: { group: DeviceGroup }) {
  const styles = useStyles();
  return (
    <ul className={styles.conditions}>
      {group.rule.conditions.map((c, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: conditions have no other identity
        <li key={i}>
          {i > 0 && (group.rule.any ? "or " : "and ")}
          {conditionWords(c)}{" "}
          <span className={styles.value}>
            <Untrusted text={c.value} />
          </span>
        </li>
      ))}
    </ul>
  );
}
