import type { ComponentType } from "react";
import type { AssetKind } from "./entities";
import {
  AppsRegular,
  BoxRegular,
  CloudRegular,
  DatabaseRegular,
  DesktopRegular,
  DocumentRegular,
  GlobeRegular,
  KeyRegular,
  LinkRegular,
  MailInboxRegular,
  MailMultipleRegular,
  MailRegular,
  PeopleRegular,
  PersonRegular,
  RouterRegular,
  SettingsRegular,
  WindowConsoleRegular,
} from "./icons";

export const assetIcons: Record<AssetKind, ComponentType> = {
  devices: DesktopRegular,
  users: PersonRegular,
  mailboxes: MailInboxRegular,
  apps: AppsRegular,
  cloudResources: CloudRegular,
};

const byType: Record<string, ComponentType> = {
  device: DesktopRegular,
  ioTDevice: DesktopRegular,
  user: PersonRegular,
  securityGroup: PeopleRegular,
  mailbox: MailInboxRegular,
  mailboxConfiguration: SettingsRegular,
  analyzedMessage: MailRegular,
  submissionMail: MailRegular,
  mailCluster: MailMultipleRegular,
  process: WindowConsoleRegular,
  file: DocumentRegular,
  fileHash: DocumentRegular,
  ip: RouterRegular,
  url: LinkRegular,
  dns: GlobeRegular,
  registryKey: DatabaseRegular,
  registryValue: DatabaseRegular,
  oauthApplication: AppsRegular,
  servicePrincipal: AppsRegular,
  cloudApplication: AppsRegular,
  azureResource: CloudRegular,
  amazonResource: CloudRegular,
  googleCloudResource: CloudRegular,
  cloudLogonSession: KeyRegular,
  hostLogonSession: KeyRegular,
};

export const entityIcon = (type: string): ComponentType => byType[type] ?? BoxRegular;
