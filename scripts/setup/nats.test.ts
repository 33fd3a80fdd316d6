import { chmodSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { fetchServer, findServers, recordServers } from './nats.mjs';
import type { Source } from './nats.mjs';
import { fakeServer, silence, temporaryFolder } from './testing.js';

describe('the servers', () => {
    test('are taken from NATS_SERVER_BIN, then PATH, then the cache', async () => {
        const root = temporaryFolder();
        const dir = temporaryFolder();
        const cached = fakeServer(join(root, '.cache/nats-server/2.15.1/nats-server'), '2.15.1');
        const cachedOld = fakeServer(join(root, '.cache/nats-server/2.10.3/nats-server'), '2.10.3');
        const onPath = fakeServer(join(dir, 'path/nats-server'), '2.12.0');
        const chosen = fakeServer(join(dir, 'chosen'), '2.10.27');
        const find = async (env: NodeJS.ProcessEnv) => {
            const { newest, oldest } = (await findServers(root, env)).servers;
            return [newest?.path, oldest?.path];
        };
        expect(await find({ PATH: '' })).toEqual([cached, cachedOld]);
        expect(await find({ PATH: dirname(onPath) })).toEqual([onPath, cachedOld]);
        expect(await find({ PATH: dirname(onPath), NATS_SERVER_BIN: chosen })).toEqual([chosen, chosen]);
        chmodSync(cached, 0o644);
        expect(await find({ PATH: '' })).toEqual([undefined, cachedOld]);
    });

    test('on PATH that are too old or broken are passed over with a reason', async () => {
        const dir = temporaryFolder();
        const old = fakeServer(join(dir, 'old/nats-server'), '2.9.10');
        const broken = fakeServer(join(dir, 'broken/nats-server'), 'none');
        const { servers, notes } = await findServers(dir, { PATH: `${dirname(old)}:${dirname(broken)}` });
        expect(servers).toEqual({});
        expect(notes).toEqual([
            `PATH: ${old} is passed over: it is 2.9.10, and 2.10 or newer is needed`,
            expect.stringMatching(/broken.* no working nats-server/)
        ]);
    });

    test.each([
        ['missing', undefined, 'there is no such file'],
        ['old', '2.9.10', 'it is 2.9.10']
    ])('that the user chose and that are of no use (%s) are an error', async (name, version, reason) => {
        const path = join(temporaryFolder(), name);
        if (version) {
            fakeServer(path, version);
        }
        const finding = findServers(temporaryFolder(), { NATS_SERVER_BIN: path });
        await expect(finding).rejects.toThrow(`NATS_SERVER_BIN is ${path}, but ${reason}.`);
    });

    test('are fetched from the first source that has a good one', async () => {
        silence();
        const root = temporaryFolder();
        const source = (version: string): Source => ({
            label: version,
            fetch: async (_role, dir, check) => {
                const binary = fakeServer(join(dir, 'x'), version);
                const problem = await check(binary);
                return problem ? { problem } : { binary };
            }
        });
        const both = [source('2.11.0'), source('2.15.1')];
        const [first, second] = await Promise.all(both.map(() => fetchServer(root, 'newest', [], both)));
        expect(first).toEqual(second);
        expect(first?.version).toBe('2.15.1');
        expect(readdirSync(join(root, '.cache/nats-server'))).toEqual(['2.15.1']);
        await expect(fetchServer(root, 'oldest', ['PATH: /x is passed over'], both)).rejects.toThrow(
            /PATH: \/x is passed over\n.*none that will do\n.*2\.11\.0: it is 2\.11\.0\n.*2\.15\.1: it is 2\.15\.1\n[^]*2\.10\.x/
        );
        expect(readdirSync(join(root, '.cache'))).toEqual(['nats-server']);
    });

    test('are recorded, relative to the working copy if inside', () => {
        const root = temporaryFolder();
        const newest = { path: join(root, '.cache/nats-server/2.15.1/nats-server'), version: '2.15.1' };
        recordServers(root, { newest, oldest: { path: '/opt/nats-server', version: '2.10.27' } });
        expect(JSON.parse(readFileSync(join(root, '.cache/nats-servers.json'), 'utf8'))).toEqual({
            newest: { path: '.cache/nats-server/2.15.1/nats-server', version: '2.15.1' },
            oldest: { path: '/opt/nats-server', version: '2.10.27' }
        });
    });
});
