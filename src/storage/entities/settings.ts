import { defineEntity, p } from '@mikro-orm/core';
import { moment, name } from './columns.ts';

/** One setting of the appliance (protocol/operators.md 1.3). Secrets are kept sealed: `value` is then the sealed form. */
export const Setting = defineEntity({
  name: 'Setting',
  tableName: 'setting',
  properties: {
    key: name().primary(),
    value: p.text(),
    sealed: p.boolean(),
    changedAt: moment(),
  },
});

/**
 * A counter that every process compares before it trusts what it holds in memory.
 * `catalog` rises with each change of what devices may see, `revocations` with each block, revocation or secret rotation.
 */
export const Generation = defineEntity({
  name: 'Generation',
  tableName: 'generation',
  properties: {
    name: p.string().length(32).primary(),
    value: p.integer(),
  },
});

/** Who did what, when. Appended in the transaction of the act itself. */
export const AuditEntry = defineEntity({
  name: 'AuditEntry',
  tableName: 'audit_entry',
  indexes: [{ properties: ['at'] }],
  properties: {
    id: p.integer().primary().autoincrement(),
    at: moment(),
    actor: name(),
    act: p.string().length(64),
    subject: p.string().length(255),
    details: p.json<Record<string, unknown>>(),
  },
});
