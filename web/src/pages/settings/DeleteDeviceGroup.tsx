import {
  Button,
  Dialog,
  DialogActions,
  DialogBody,
  DialogContent,
  DialogSurface,
  DialogTitle,
  MessageBar,
  MessageBarBody,
} from "@fluentui/react-components";
import { type DeviceGroup, useDeleteDeviceGroup } from "../../api/deviceGroups";
import { messageOf } from "../../parts/states";
import { Untrusted } from "../../parts/Untrusted";

/** Asks before a group is deleted: who works with its incidents notices. */
export function DeleteDeviceGroup({ group, onClose }: { group: DeviceGroup; onClose: () => void }) {
  const remove = useDeleteDeviceGroup();
  return (
    <Dialog open modalType="alert" onOpenChange={(_, d) => !d.open && onClose()}>
      <DialogSurface>
        <DialogBody>
          <DialogTitle>
            Delete <Untrusted text={group.name} />?
          </DialogTitle>
          <DialogContent>
            <p>
              {group.devices === 1 ? "Its one device goes" : `Its ${group.devices} devices go`} to the next group whose
              rule takes them, or are ungrouped.
            </p>
            {remove.error && (
              <MessageBar intent="error" layout="multiline">
                <MessageBarBody>{messageOf(remove.error)}</MessageBarBody>
              </MessageBar>
            )}
          </DialogContent>
          <DialogActions>
            <Button
              appearance="primary"
              disabled={remove.isPending}
              onClick={() => remove.mutate(group.id, { onSuccess: onClose })}
            >
              Delete
            </Button>
            <Button onClick={onClose}>Cancel</Button>
          </DialogActions>
        </DialogBody>
      </DialogSurface>
    </Dialog>
  );
}
