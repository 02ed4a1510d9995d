import {
  fullText,
  isPresent,
  matchingText,
  oneOf,
  onlyOnce,
  optionalMaps,
  optionalTextOf,
  positive,
  type Scope,
} from '../header-rules.ts';
import { optionalText } from '../header-values.ts';
import { VALIDATION_SET_NAME } from '../name-patterns.ts';

const MODES = ['prefer-enforce', 'enforce'];

/** Checks the "validation-sets" header of a model: each set by account (the brand when not given) and name, once. */
export function checkModelValidationSets(scope: Scope): void {
  const brand = optionalText({ headers: scope.values }, 'brand-id') ?? '';
  const once = onlyOnce('validation set');
  for (const values of optionalMaps(scope, 'validation-sets') ?? []) {
    const entry = { values, where: 'of a validation set' };
    const name = matchingText(entry, 'name', VALIDATION_SET_NAME);
    const account = optionalTextOf(entry, 'account-id') ?? brand;
    if (isPresent(entry, 'sequence')) positive(entry, 'sequence');
    oneOf(fullText(entry, 'mode'), MODES, '"mode" of a validation set');
    once(`${account}/${name}`);
  }
}
