import { text } from '../../../assertions/index.ts';
import { checkSigningKey, DeviceError } from '../../../devices/index.ts';
import type { Applicant } from './applicant.ts';
import type { SigningEntry } from './model-book.ts';

/** A key that may sign the applicant's serial, and for whom it signs. */
export interface Authority {
  readonly authorityId: string;
  readonly signing: SigningEntry & { readonly key: { readonly hsmKeyId: string; readonly token: string } };
}

/**
 * Finds who signs an applicant's serial: the owner of the policy's key, who is the brand or one of the model's
 * `serial-authority` accounts; and checks that the key may. Throws {@link DeviceError} `policy-missing`,
 * `authority-not-allowed`, `signing-key-…`.
 */
export function authorityFor(applicant: Applicant, signing: SigningEntry | undefined, now: Date): Authority {
  const { request } = applicant;
  if (signing === undefined) {
    throw new DeviceError(
      'policy-missing',
      `cannot sign serials of model ${JSON.stringify(request.modelName)}: it has no serial policy; create one`,
    );
  }
  const { accountKey, key, keyId } = signing;
  const authorityId = accountKey === undefined ? request.brandId : text(accountKey, 'account-id');
  if (authorityId !== request.brandId && !request.serialAuthorities.includes(authorityId)) {
    throw new DeviceError(
      'authority-not-allowed',
      `cannot sign as ${authorityId}: the model assertion does not list it as serial-authority; list it, or put another key in the serial policy`,
    );
  }
  checkSigningKey({
    keyId,
    accountKey,
    authorityId,
    now,
    headers: { 'brand-id': request.brandId, model: request.modelName },
  });
  if (key === undefined) {
    throw new DeviceError(
      'signing-key-unregistered',
      `cannot sign with key ${keyId}: it is not a signing key of this service; put another key in the serial policy`,
    );
  }
  return { authorityId, signing: { ...signing, key } };
}
