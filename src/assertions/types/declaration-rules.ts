import { quoted } from '../errors.ts';
import { integerFrom, optionalMap, refuse, texts, type Scope } from '../header-rules.ts';
import { isList, isMap, ownValue, type HeaderMap, type HeaderValue } from '../header-values.ts';
import { ACCOUNT_ID, BRAND_SLASH_MODEL, SNAP_ID, STORE_ID, type Shape } from '../name-patterns.ts';
import { compileTextPattern } from '../text-patterns.ts';
import { compileValuePattern, patternsWithin } from '../value-patterns.ts';

/** Which side of a connection a rule speaks of. */
export type Side = 'plug' | 'slot';

/**
 * Rules of declarations about plugs and slots (protocol/devices.md 7): for each interface six subrules, each a map of
 * constraints, "true", "false", or a list of alternative maps. Checking gives the format number that they need.
 */
const SUBRULES = [
  'allow-installation',
  'deny-installation',
  'allow-connection',
  'deny-connection',
  'allow-auto-connection',
  'deny-auto-connection',
] as const;
type Subrule = (typeof SUBRULES)[number];

const SNAP_TYPE = /^(?:core|kernel|gadget|app)$/;
const PUBLISHER = /^(?:[a-z0-9A-Z]{32}|[-a-z0-9]{2,28}|\$[A-Z][A-Z0-9_]*)$/;
const SYSTEM_ID = /^[-0-9a-z._]+$/;
/** White space as Unicode has it. */
const SPACE = /[\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/;
const SPECIAL_NAME = /^\$[A-Z][A-Z0-9_]*$/;
const ID_SHAPES: { readonly [field: string]: Shape } = {
  'slot-snap-type': SNAP_TYPE,
  'slot-snap-id': SNAP_ID,
  'slot-publisher-id': PUBLISHER,
  'plug-snap-type': SNAP_TYPE,
  'plug-snap-id': SNAP_ID,
  'plug-publisher-id': PUBLISHER,
};
const SCOPE_SHAPES: { readonly [field: string]: Shape } = {
  'on-store': STORE_ID,
  'on-brand': ACCOUNT_ID,
  'on-model': BRAND_SLASH_MODEL,
};
const ARITIES = ['slots-per-plug', 'plugs-per-slot'];
const VOCABULARY = {
  operations: ['SLOT', 'PLUG', 'SLOT_COMPAT', 'PLUG_COMPAT'],
  references: ['PLUG_PUBLISHER_ID', 'SLOT_PUBLISHER_ID'],
};

/** Format numbers by the feature that first needs them. */
const FORMAT = {
  rules: 1,
  dollarValues: 2,
  deviceScope: 3,
  names: 4,
  alternatives: 5,
  publisherIds: 6,
  variants: 7,
};

/** Constraints that each subrule takes, by name of their kind. */
interface Fields {
  readonly names: readonly string[];
  readonly attributes: readonly string[];
  readonly ids: readonly string[];
}

/**
 * Checks the rules under "plugs" or "slots" and gives the lowest format number that can express them; 0 without rules.
 * @throws AssertionError `header-invalid`
 */
export function checkInterfaceRules(scope: Scope, side: Side): number {
  const rules = optionalMap(scope, `${side}s`);
  if (rules === undefined) return 0;
  const formats = Object.entries(rules).map(([name, rule]) =>
    checkRule(rule, side, `${side} rule of interface ${quoted(name)}`),
  );
  return Math.max(FORMAT.rules, ...formats);
}

/** Checks "on-store", "on-brand" and "on-model"; whether any of them is there. */
export function checkDeviceScope(scope: Scope): boolean {
  const present = Object.entries(SCOPE_SHAPES).filter(
    ([field]) => ownValue(scope.values, field) !== undefined,
  );
  for (const [field, shape] of present) texts(scope, field, shape);
  return present.length > 0;
}

function checkRule(rule: HeaderValue, side: Side, where: string): number {
  if (rule === 'true' || rule === 'false') return FORMAT.rules;
  if (!isMap(rule)) return refuse(`the ${where} must be a map, "true" or "false"`);
  const formats = SUBRULES.flatMap((subrule) => {
    const value = ownValue(rule, subrule);
    return value === undefined ? [] : [checkSubrule(value, side, subrule, `of ${subrule} in the ${where}`)];
  });
  if (formats.length === 0) refuse(`the ${where} has none of ${SUBRULES.join(', ')}`);
  return Math.max(...formats);
}

function checkSubrule(value: HeaderValue, side: Side, subrule: Subrule, where: string): number {
  if (value === 'true' || value === 'false') return FORMAT.rules;
  const alternatives = isList(value) ? value : [value];
  const formats = alternatives.map((alternative) => {
    if (!isMap(alternative))
      return refuse(`the value ${where} must be a map, "true", "false" or a list of maps`);
    return checkConstraints({ values: alternative, where }, side, subrule);
  });
  return Math.max(FORMAT.rules, ...formats);
}

function checkConstraints(scope: Scope, side: Side, subrule: Subrule): number {
  const fields = fieldsOf(side, subrule);
  const formats = [
    ...fields.names.map((field) => (checkNames(scope, field) ? FORMAT.names : undefined)),
    ...fields.attributes.map((field) => checkAttributes(scope, field)),
    ...fields.ids.map((field) =>
      texts(scope, field, ID_SHAPES[field]).length > 0 ? FORMAT.rules : undefined,
    ),
    ...ARITIES.map((field) => checkArity(scope, field, subrule)),
    checkOnClassic(scope),
    checkOnCoreDesktop(scope),
    checkDeviceScope(scope) ? FORMAT.deviceScope : undefined,
  ].filter((format) => format !== undefined);
  // Devices count two attribute constraints even where there is but one, so installation subrules may be empty there.
  if (formats.length === 0 && fields.attributes.length === 2)
    refuse(`the map ${scope.where} has no constraint`);
  return Math.max(FORMAT.rules, ...formats);
}

function fieldsOf(side: Side, subrule: Subrule): Fields {
  if (subrule.endsWith('-installation')) {
    return {
      names: [`${side}-names`],
      attributes: [`${side}-attributes`],
      ids: [`${side}-snap-type`, `${side}-snap-id`],
    };
  }
  const other = side === 'plug' ? 'slot' : 'plug';
  return {
    names: ['plug-names', 'slot-names'],
    attributes: ['plug-attributes', 'slot-attributes'],
    ids: [
      ...(side === 'slot' ? ['slot-snap-type'] : []),
      `${other}-snap-type`,
      `${other}-publisher-id`,
      `${other}-snap-id`,
    ],
  };
}

function checkNames(scope: Scope, field: string): boolean {
  const value = ownValue(scope.values, field);
  if (value === undefined) return false;
  if (!isList(value))
    return refuse(`"${field}" ${scope.where} must be a list of regular expressions and $ values`);
  for (const item of value) {
    if (typeof item !== 'string') return refuse(`"${field}" ${scope.where} must be a list of texts`);
    if (item.startsWith('$')) {
      if (!SPECIAL_NAME.test(item)) refuse(`"${field}" ${scope.where} has an unknown value ${quoted(item)}`);
    } else if (SPACE.test(item)) {
      refuse(`"${field}" ${scope.where} has a regular expression with spaces: ${quoted(item)}`);
    } else {
      compileTextPattern(item);
    }
  }
  return true;
}

function checkAttributes(scope: Scope, field: string): number | undefined {
  const value = ownValue(scope.values, field);
  if (value === undefined) return undefined;
  let format = FORMAT.rules;
  for (const { kind } of patternsWithin(compileValuePattern(value, VOCABULARY))) {
    if (kind === 'missing' || kind === 'operation') format = Math.max(format, FORMAT.dollarValues);
    if (kind === 'alternatives') format = Math.max(format, FORMAT.alternatives);
    if (kind === 'reference') format = Math.max(format, FORMAT.publisherIds);
  }
  return format;
}

function checkArity(scope: Scope, field: string, subrule: Subrule): number | undefined {
  const value = ownValue(scope.values, field);
  if (value === undefined) return undefined;
  const what = `"${field}" ${scope.where}`;
  if (!subrule.startsWith('allow-') || subrule.endsWith('-installation')) {
    refuse(`${what} has a place in allow-connection and allow-auto-connection only`);
  }
  if (typeof value !== 'string') return refuse(`${what} must be "*" or a whole number of 1 or more`);
  if (value !== '*' && integerFrom(value, what) < 1)
    refuse(`${what} must be "*" or a whole number of 1 or more`);
  return FORMAT.rules;
}

function checkOnClassic(scope: Scope): number | undefined {
  const value = ownValue(scope.values, 'on-classic');
  if (value === undefined) return undefined;
  const what = `"on-classic" ${scope.where}`;
  if (value === 'true' || value === 'false') return FORMAT.rules;
  if (!isList(value)) return refuse(`${what} must be "true", "false" or a list of operating system ids`);
  const variants = value.map((item) => {
    if (typeof item !== 'string') return refuse(`${what} must be a list of texts`);
    const [distribution = '', variant, ...more] = item.split('/');
    const wellFormed =
      more.length === 0 &&
      SYSTEM_ID.test(distribution) &&
      (variant === undefined || variant === '' || variant === '*' || SYSTEM_ID.test(variant));
    if (!wellFormed) refuse(`${what} has an item that is no operating system id: ${quoted(item)}`);
    return variant !== undefined;
  });
  return variants.includes(true) ? FORMAT.variants : FORMAT.rules;
}

function checkOnCoreDesktop(scope: Scope): number | undefined {
  const value = ownValue(scope.values, 'on-core-desktop');
  if (value === undefined) return undefined;
  if (value !== 'true' && value !== 'false')
    refuse(`"on-core-desktop" ${scope.where} must be "true" or "false"`);
  return FORMAT.rules;
}

/** The rules of both sides, as a format number. */
export function rulesFormat(headers: HeaderMap): number {
  const scope = { values: headers, where: 'header' };
  return Math.max(checkInterfaceRules(scope, 'plug'), checkInterfaceRules(scope, 'slot'));
}
