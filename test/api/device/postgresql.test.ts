import { describe, expect, it, onTestFinished } from 'vitest';
import { hasPostgreSql, temporaryPostgreSql } from '../../support/postgresql.ts';
import { Client } from './client.ts';
import { makeWorld, sessionTexts, snapIdOf } from './world.ts';

describe.skipIf(!hasPostgreSql)('the device store on PostgreSQL', () => {
  it('answers as it does on the embedded database', async () => {
    const address = await temporaryPostgreSql();
    const world = await makeWorld({}, address);
    onTestFinished(() => world.close());
    await world.addSnap({ name: 'agent', storeId: 'acme-store', private: true, icon: 'an icon' });
    await world.addSnap({ name: 'secret', storeId: 'globex-store', private: true });
    const agent = snapIdOf('agent');

    const texts = await sessionTexts(world.url, world.acme);
    const post = () =>
      fetch(`${world.url}/api/v1/snaps/auth/sessions`, { method: 'POST', body: JSON.stringify(texts) });
    const outcomes = await Promise.all([post(), post(), post()]);
    expect(outcomes.map((each) => each.status).sort()).toEqual([200, 400, 400]);

    const acme = new Client(world, await world.session(world.acme));
    expect(await acme.install({ name: 'agent' })).toMatchObject({
      'effective-channel': 'latest/stable',
      snap: { revision: 1, 'snap-id': agent, private: true, epoch: { read: [0], write: [0] } },
    });
    expect(await acme.install({ name: 'secret' })).toMatchObject({ error: { code: 'name-not-found' } });
    expect(await (await acme.ask('/v2/snaps/find?q=agent')).json()).toMatchObject({
      results: [{ name: 'agent' }],
    });
    expect((await acme.ask('/v2/snaps/info/agent')).status).toBe(200);
    expect(await (await acme.ask('/api/v1/snaps/names')).text()).toContain('"package_name":"agent"');
    expect((await acme.ask(`/v2/assertions/snap-declaration/16/${agent}?max-format=7`)).status).toBe(200);
    expect(
      (await acme.ask(`/v2/assertions/snap-declaration/16/${snapIdOf('secret')}?max-format=7`)).status,
    ).toBe(404);
    expect(await (await acme.ask(`/api/v1/snaps/download/${agent}_1.snap`)).text()).toContain(
      'agent revision 1',
    );

    const row = {
      kind: 'serial',
      brandId: 'acme',
      subject: 'acme-model/acme-0001',
      reason: '',
      createdBy: 'operator',
    };
    await world.change((queries) =>
      queries
        .insertInto('Block')
        .values({ ...row, createdAt: world.now.toISOString() })
        .execute(),
    );
    expect((await acme.ask('/v2/snaps/info/agent')).status).toBe(401);
    expect(world.mistakes).toEqual([]);
  });
});
