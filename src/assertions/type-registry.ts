import { account, accountKey, accountKeyRequest } from './types/accounts.ts';
import { cluster } from './types/clusters.ts';
import { confdbControl, confdbSchema } from './types/confdb.ts';
import { baseDeclaration, snapDeclaration } from './types/declarations.ts';
import { deviceSessionRequest, serial, serialRequest } from './types/devices.ts';
import { hardwareIdentity } from './types/hardware.ts';
import { requestMessage, responseMessage } from './types/messages.ts';
import { model } from './types/models.ts';
import { preseed } from './types/preseed.ts';
import { repair } from './types/repairs.ts';
import { snapResourcePair, snapResourceRevision } from './types/resources.ts';
import { snapBuild, snapDeveloper, snapRevision } from './types/snaps.ts';
import { store } from './types/stores.ts';
import { systemUser } from './types/system-users.ts';
import { validation, validationSet } from './types/validation.ts';
import type { AssertionTypeName } from './type-names.ts';
import type { AssertionType, TypeRules } from './type-rules.ts';

const RULES: { readonly [name in AssertionTypeName]: TypeRules } = {
  account,
  'account-key': accountKey,
  'account-key-request': accountKeyRequest,
  store,
  'system-user': systemUser,
  model,
  preseed,
  serial,
  'serial-request': serialRequest,
  'device-session-request': deviceSessionRequest,
  'hardware-identity': hardwareIdentity,
  'base-declaration': baseDeclaration,
  'snap-declaration': snapDeclaration,
  'snap-build': snapBuild,
  'snap-revision': snapRevision,
  'snap-developer': snapDeveloper,
  'snap-resource-revision': snapResourceRevision,
  'snap-resource-pair': snapResourcePair,
  validation,
  'validation-set': validationSet,
  repair,
  cluster,
  'confdb-schema': confdbSchema,
  'confdb-control': confdbControl,
  'request-message': requestMessage,
  'response-message': responseMessage,
};

/** Every known assertion type by name. */
export const ASSERTION_TYPES: { readonly [name in AssertionTypeName]: AssertionType } = RULES;

/** What is known of a type. */
export function assertionType(name: AssertionTypeName): AssertionType {
  return RULES[name];
}

/** A type with its rules; for use within this folder. */
export function rulesOf(name: AssertionTypeName): TypeRules {
  return RULES[name];
}
