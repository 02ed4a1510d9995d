import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseSnapYaml, rank, searchEntry, searchWords, SnapError } from '../../src/snaps/index.ts';

describe('snap.yaml', () => {
  it('is read with every default', () => {
    expect(parseSnapYaml('name: hello\nversion: 1.10\n')).toEqual({
      name: 'hello',
      version: '1.10',
      type: 'app',
      base: undefined,
      title: 'hello',
      summary: '',
      description: '',
      license: undefined,
      confinement: 'strict',
      grade: 'stable',
      epoch: { read: [0], write: [0] },
      architectures: ['all'],
      assumes: [],
      plugs: [],
      slots: [],
      apps: [],
      aliases: [],
      commonIds: [],
      components: [],
      links: {},
      provenance: 'global-upload',
    });
  });

  it('gives plugs in each of their forms, apps, components and links', () => {
    const yaml = parseSnapYaml(
      [
        "name: agent\nversion: '2'\nbase: core24\nepoch: 3*\nprovenance: acme-site",
        'plugs:\n  network:\n  control: snapd-control\n  data: {interface: content, target: $SNAP/data}',
        'apps:\n  agent: {command: bin/agent, common-id: com.acme.agent, aliases: [ag]}',
        'components:\n  drivers: {type: kernel-modules}',
        'links:\n  website: https://acme.example\n  contact: [mailto:a@acme.example]',
      ].join('\n'),
    );
    expect(yaml.plugs).toEqual([
      { name: 'network', interface: 'network', attributes: {} },
      { name: 'control', interface: 'snapd-control', attributes: {} },
      { name: 'data', interface: 'content', attributes: { target: '$SNAP/data' } },
    ]);
    expect(yaml).toMatchObject({
      epoch: { read: [2, 3], write: [3] },
      apps: ['agent'],
      aliases: [{ name: 'ag', target: 'agent' }],
      commonIds: ['com.acme.agent'],
      components: [{ name: 'drivers', type: 'kernel-modules' }],
      links: { website: ['https://acme.example'], contact: ['mailto:a@acme.example'] },
      provenance: 'acme-site',
    });
  });

  it.each([
    ['', 'it is not a map'],
    ['- a', 'it is not a map'],
    ['name: [', 'not valid YAML'],
    ['name: Hello\nversion: 1', 'name'],
    ['name: hello', 'version'],
    ['name: hello\nversion: 1\ntype: virus', 'type'],
    ['name: hello\nversion: 1\napps: {"../x": {}}', 'apps'],
    [`name: hello\nversion: ${'9'.repeat(33)}`, 'version'],
    ['name: hello\nversion: 1\nsummary: "a\\0b"', 'summary: it holds a zero byte or half a character'],
    ['name: hello\nversion: 1\ntitle: "\\ud800"', 'title: it holds a zero byte or half a character'],
    [`name: hello\nversion: 1\nlicense: ${'x'.repeat(256)}`, 'license: at most 255 characters are allowed'],
    [`name: hello\nversion: 1\nlinks: {contact: ${'x'.repeat(2001)}}`, 'links'],
  ])('refuses %j and says why', (text, reason) => {
    expect(() => parseSnapYaml(text)).toThrow(
      expect.objectContaining({ code: 'snap-yaml-invalid', message: expect.stringContaining(reason) }),
    );
  });

  it('refuses what is too long before it reads it', () => {
    expect(() => parseSnapYaml('#'.repeat(600_000))).toThrow(expect.objectContaining({ kind: 'too-large' }));
  });

  it('ends with a result or its own error on any text', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc.string().map((tail) => `name: a\nversion: 1\n${tail}`),
        ),
        (text) => {
          try {
            expect(parseSnapYaml(text).name.length).toBeGreaterThan(0);
          } catch (error) {
            expect(error).toBeInstanceOf(SnapError);
          }
        },
      ),
    );
  });
});

describe('search', () => {
  const entry = (name: string, rest: { title?: string; summary?: string; description?: string } = {}) =>
    searchEntry({
      snapId: name,
      name,
      title: name,
      summary: '',
      description: '',
      publisher: 'acme',
      ...rest,
    });

  it('puts the snap of that name first, then prefixes, then the rest', () => {
    const entries = [
      entry('other', { description: 'works with hello' }),
      entry('say-hello'),
      entry('hello-world'),
      entry('hello'),
      entry('greeter', { summary: 'says Hello' }),
    ];
    const words = searchWords('Hello');
    const ranked = entries
      .map((e) => ({ name: e.name, score: rank(e, words) }))
      .sort((a, b) => b.score - a.score);
    expect(ranked.map((r) => r.name)).toEqual(['hello', 'hello-world', 'say-hello', 'greeter', 'other']);
  });

  it('wants every word', () => {
    expect(rank(entry('hello', { summary: 'kind words' }), searchWords('hello kind'))).toBeGreaterThan(0);
    expect(rank(entry('hello'), searchWords('hello kind'))).toBe(0);
  });
});
