import { z } from 'zod';

import { readAs } from '../read-as.ts';
import { DeviceError } from './errors.ts';
import { MAX_NAME } from './names.ts';
import { isNetwork } from './networks.ts';

/**
 * Who may enrol as a device of a model, as the model's row keeps it. The default lets in whoever holds an API key of the
 * model, which is what the documented Model Service does.
 */
export const enrolmentPolicySchema = z.strictObject({
  /**
   * `open`: the API key is enough. `allow-list`: the device is on the model's list. `claims`: it brings a one-use claim code.
   * `approval`: an admin says yes to each. `webhook`: the brand's own server says yes or no.
   */
  mode: z.enum(['open', 'allow-list', 'claims', 'approval', 'webhook']).default('open'),
  /** Where serial numbers come from; see `SerialSource`. */
  serials: z.enum(['proposed', 'proposed-or-made', 'made', 'allow-list']).default('proposed-or-made'),
  /** Stands before each number that the service makes. */
  'serial-prefix': z
    .string()
    .max(MAX_NAME / 2)
    .regex(/^(?:[a-zA-Z0-9](?:[:+-]?[a-zA-Z0-9])*[:+-]?)?$/)
    .default(''),
  /** At most so many serials of the model, ever; null: no limit. */
  quota: z.int().min(0).nullable().default(null),
  /** No new serial before, and from, these moments (RFC 3339); null: no limit. */
  'not-before': z.iso.datetime({ offset: true }).nullable().default(null),
  'not-after': z.iso.datetime({ offset: true }).nullable().default(null),
  /** Only from these networks (addresses or CIDR ranges); empty: from anywhere. */
  networks: z
    .array(z.string().refine(isNetwork, 'write an address or a range such as 10.1.0.0/16'))
    .max(64)
    .default([]),
  /** Proof of the hardware by a signature over the request-id (protocol/devices.md 1.1): not looked at, noted, or needed. */
  'hardware-identity': z.enum(['off', 'warn', 'required']).default('off'),
  /** Where the decision webhook is; https, or http inside a closed network. */
  'webhook-url': z
    .url({ protocol: /^https?$/ })
    .max(1024)
    .nullable()
    .default(null),
});

/** See {@link enrolmentPolicySchema}. */
export type EnrolmentPolicy = z.infer<typeof enrolmentPolicySchema>;

/** What holds for a model that nobody set a policy for. */
export const OPEN_ENROLMENT: EnrolmentPolicy = enrolmentPolicySchema.parse({});

/** Reads a policy from JSON. Throws {@link DeviceError} `enrolment-policy-malformed` naming the field at fault. */
export function parseEnrolmentPolicy(value: unknown): EnrolmentPolicy {
  const result = readAs(enrolmentPolicySchema, value);
  if (!result.success) {
    const { fault, cause } = result;
    throw new DeviceError('enrolment-policy-malformed', `cannot use the enrolment policy: ${fault}`, {
      cause,
    });
  }
  const policy = result.data;
  if (policy.mode === 'webhook' && policy['webhook-url'] === null) {
    throw new DeviceError(
      'enrolment-policy-malformed',
      'cannot use the enrolment policy: mode "webhook" needs a webhook-url',
    );
  }
  return policy;
}
