import * as accounts from './accounts.ts';
import * as assertions from './assertions.ts';
import * as enrolment from './enrolment.ts';
import * as imports from './imports.ts';
import * as models from './models.ts';
import * as serials from './serials.ts';
import * as settings from './settings.ts';
import * as snaps from './snaps.ts';
import * as stores from './stores.ts';

export * from './accounts.ts';
export * from './assertions.ts';
export * from './enrolment.ts';
export * from './imports.ts';
export * from './models.ts';
export * from './serials.ts';
export * from './settings.ts';
export * from './snaps.ts';
export * from './stores.ts';

/** Every table of the product, for the schema, the migrations and the typed query builder. */
export const ENTITIES = [
  settings.Setting,
  settings.Generation,
  settings.AuditEntry,
  assertions.StoredAssertion,
  accounts.Account,
  accounts.StoreRole,
  accounts.Token,
  stores.Store,
  stores.StoreInclusion,
  stores.StoreInclusionSnap,
  stores.StoreShare,
  snaps.Snap,
  snaps.SnapRevision,
  snaps.ChannelRelease,
  snaps.Delta,
  snaps.SnapResource,
  snaps.SnapResourcePair,
  snaps.ChannelOverride,
  models.Model,
  models.ApiKey,
  models.ModelSecret,
  models.SigningKey,
  models.SerialPolicy,
  serials.SerialIntent,
  serials.SpentRequestId,
  serials.SpentNonce,
  serials.Block,
  serials.Device,
  serials.RemodelAllowance,
  enrolment.AllowListEntry,
  enrolment.EnrolmentRequest,
  enrolment.SpentClaim,
  enrolment.ReplacementPermit,
  enrolment.Voucher,
  enrolment.SerialHistory,
  imports.ImportRecord,
  imports.PinnedExporter,
  imports.Upload,
  imports.LooseBlob,
  imports.UndoBlob,
] as const;
