import { defineEntity, p } from '@mikro-orm/core';
import { moment, name, shortId } from './columns.ts';

/** A person or company: publisher, brand, brand admin. On an air-gapped host, those that an import brought. */
export const Account = defineEntity({
  name: 'Account',
  tableName: 'account',
  uniques: [{ properties: ['username'] }],
  properties: {
    id: shortId().primary(),
    username: name(),
    displayName: p.string().length(255),
    validation: p.string().length(16),
    email: p.string().length(255).nullable(),
    createdAt: moment(),
  },
});

/** What an account may do in a store (protocol/operators.md 2.3): admin, review, view or access. */
export const StoreRole = defineEntity({
  name: 'StoreRole',
  tableName: 'store_role',
  uniques: [{ properties: ['storeId', 'accountId', 'role'] }],
  properties: {
    id: p.integer().primary().autoincrement(),
    storeId: shortId(),
    accountId: shortId(),
    role: p.string().length(16),
  },
});

/** A token that was issued: admin tokens of an export, gateway sessions, publisher credentials. The text itself is never kept. */
export const Token = defineEntity({
  name: 'Token',
  tableName: 'token',
  indexes: [{ properties: ['accountId'] }, { properties: ['digest'] }],
  properties: {
    /** The `session-id` caveat. */
    sessionId: p.string().length(64).primary(),
    kind: p.string().length(32),
    accountId: shortId(),
    /** SHA3-384 (hex) of the whole token where it is recognised by its digest: the admin token of an imported export. */
    digest: p.string().length(96).nullable(),
    storeId: shortId().nullable(),
    brandId: shortId().nullable(),
    description: p.string().length(255),
    caveats: p.json<string[]>(),
    issuedAt: moment(),
    expiresAt: moment().nullable(),
    revokedAt: moment().nullable(),
    revokedBy: shortId().nullable(),
    lastUsedAt: moment().nullable(),
  },
});
