import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decideEnrolment,
  DeviceError,
  enrolmentPolicySchema,
  inNetworks,
  isNetwork,
  OPEN_ENROLMENT,
  parseEnrolmentPolicy,
  type EnrolmentFacts,
} from '../../src/devices/index.ts';

const nobody: EnrolmentFacts = {
  now: new Date('2026-06-01T00:00:00Z'),
  address: '10.1.2.3',
  enrolled: 0,
  entry: undefined,
  claim: 'none',
  approval: undefined,
  verdict: undefined,
};

function decide(policy: Record<string, unknown>, facts: Partial<EnrolmentFacts> = {}): string {
  try {
    return decideEnrolment(enrolmentPolicySchema.parse(policy), { ...nobody, ...facts });
  } catch (error) {
    return error instanceof DeviceError ? error.code : String(error);
  }
}

const entry = { serial: 'S-1', deviceKeyId: undefined, takenBy: undefined };

describe('the decision about a newcomer', () => {
  it.each<[Record<string, unknown>, Partial<EnrolmentFacts>, string]>([
    [{}, {}, 'admit'],
    [{ mode: 'allow-list' }, {}, 'enrolment-not-listed'],
    [{ mode: 'allow-list' }, { entry }, 'admit'],
    [{ mode: 'claims' }, {}, 'enrolment-claim-missing'],
    [{ mode: 'claims' }, { claim: 'wrong' }, 'enrolment-claim-wrong'],
    [{ mode: 'claims' }, { claim: 'spent' }, 'enrolment-claim-spent'],
    [{ mode: 'claims' }, { claim: 'good' }, 'admit'],
    [{ mode: 'approval' }, {}, 'await-approval'],
    [{ mode: 'approval' }, { approval: 'pending' }, 'await-approval'],
    [{ mode: 'approval' }, { approval: 'approved' }, 'admit'],
    [{ mode: 'approval' }, { approval: 'refused' }, 'enrolment-refused'],
    [{ mode: 'webhook' }, {}, 'ask-webhook'],
    [{ mode: 'webhook' }, { verdict: true }, 'admit'],
    [{ mode: 'webhook' }, { verdict: false }, 'enrolment-webhook-refused'],
    [{ quota: 3 }, { enrolled: 2 }, 'admit'],
    [{ quota: 3 }, { enrolled: 3 }, 'enrolment-quota'],
    [{ quota: 0 }, {}, 'enrolment-quota'],
    [{ 'not-before': '2026-06-01T00:00:00Z' }, {}, 'admit'],
    [{ 'not-before': '2026-06-01T00:00:01Z' }, {}, 'enrolment-too-early'],
    [{ 'not-after': '2026-06-01T00:00:00Z' }, {}, 'enrolment-closed'],
    [{ networks: ['10.1.0.0/16'] }, {}, 'admit'],
    [{ networks: ['10.2.0.0/16'] }, {}, 'enrolment-network'],
    [{ networks: ['10.2.0.0/16'] }, { address: undefined }, 'enrolment-network'],
  ])('%j with %j: %s', (policy, facts, outcome) => {
    expect(decide(policy, facts)).toBe(outcome);
  });

  it('is never yes where quota, time or network say no, whatever the mode', () => {
    const facts = fc.record({
      claim: fc.constantFrom('none', 'good', 'wrong', 'spent'),
      approval: fc.constantFrom(undefined, 'pending', 'approved', 'refused'),
      verdict: fc.constantFrom(undefined, true, false),
      entry: fc.constantFrom(undefined, entry),
    });
    const limit = fc.constantFrom<Record<string, unknown>>(
      { quota: 0 },
      { 'not-before': '2027-01-01T00:00:00Z' },
      { 'not-after': '2026-01-01T00:00:00Z' },
      { networks: ['192.168.0.0/24'] },
    );
    const mode = fc.constantFrom('open', 'allow-list', 'claims', 'approval', 'webhook');
    fc.assert(
      fc.property(facts, limit, mode, (given, limited, of) => {
        expect(decide({ ...limited, mode: of }, given)).toMatch(
          /^enrolment-(?:quota|too-early|closed|network)$/,
        );
      }),
    );
  });
});

describe('a policy', () => {
  it('is open unless told otherwise, and keeps what it is given', () => {
    expect(parseEnrolmentPolicy({})).toEqual(OPEN_ENROLMENT);
    expect(parseEnrolmentPolicy(JSON.parse(JSON.stringify(OPEN_ENROLMENT)))).toEqual(OPEN_ENROLMENT);
  });

  it.each([
    [{ mode: 'closed' }, 'mode'],
    [{ quota: -1 }, 'quota'],
    [{ networks: ['10.0.0.0/33'] }, 'networks.0'],
    [{ 'not-before': 'tomorrow' }, 'not-before'],
    [{ mode: 'webhook' }, 'webhook-url'],
    [{ mode: 'webhook', 'webhook-url': 'file:///etc/passwd' }, 'webhook-url'],
    [{ 'serial-prefix': 'a/b' }, 'serial-prefix'],
    [{ surprise: true }, 'surprise'],
  ])('%j is refused and the sentence names %s', (policy, field) => {
    expect(() => parseEnrolmentPolicy(policy)).toThrow(field);
  });
});

describe('networks', () => {
  it('hold the addresses of their range, IPv4 in IPv6 included', () => {
    expect(inNetworks('10.1.255.255', ['10.1.0.0/16'])).toBe(true);
    expect(inNetworks('10.2.0.0', ['10.1.0.0/16'])).toBe(false);
    expect(inNetworks('::ffff:10.1.0.1', ['10.1.0.0/16'])).toBe(true);
    expect(inNetworks('2001:db8::1', ['2001:db8::/32', '10.0.0.0/8'])).toBe(true);
    expect(inNetworks('192.168.1.1', ['192.168.1.1'])).toBe(true);
    expect(inNetworks('not an address', ['0.0.0.0/0'])).toBe(false);
  });

  it.each(['10.0.0.0/8', '::1', '1.2.3.4'])('%s is one', (text) => expect(isNetwork(text)).toBe(true));
  it.each(['', '10.0.0.0/33', '10.0.0/8', '::/129', '1.2.3.4/8/8', 'host'])('%j is none', (text) =>
    expect(isNetwork(text)).toBe(false),
  );
});
