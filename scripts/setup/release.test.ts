import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { fetchServer, findServers } from './nats.mjs';
import type { Source } from './nats.mjs';
import { fetchRelease, releaseArchive, RELEASES } from './release.mjs';
import { fakeServer, listen, silence, temporaryFolder } from './testing.js';
import { REQUIREMENTS } from './versions.mjs';

describe('the official release', () => {
    const targets = ['linux', 'darwin', 'win32'].flatMap(platform =>
        ['x64', 'arm64'].map(arch => ({ platform, arch }))
    );

    test('is known for the usual platforms, with a checksum of its own each', () => {
        const archives = Object.values(RELEASES).flatMap(release => targets.map(at => releaseArchive(release, at)));
        const checksums = archives.map(archive => archive?.checksum ?? '');
        expect(checksums.every(checksum => /^[0-9a-f]{64}$/.test(checksum))).toBe(true);
        expect(new Set(checksums).size).toBe(12);
        expect(archives.map(archive => archive?.path)).toContain('v2.14.5/nats-server-v2.14.5-windows-amd64.zip');
        expect(REQUIREMENTS.newest.fetched(RELEASES.newest.version)).toBe(true);
        expect(REQUIREMENTS.oldest.fetched(RELEASES.oldest.version)).toBe(true);
        expect(releaseArchive(RELEASES.newest, { platform: 'freebsd', arch: 'x64' })).toBeUndefined();
    });

    /** Serves a made-up archive of that version and gives what fetchRelease needs to find it. */
    async function publish(version: string) {
        const name = `nats-server-v${version}-linux-amd64`;
        const dir = temporaryFolder();
        fakeServer(join(dir, name, 'nats-server'), version);
        execFileSync('tar', ['-czf', join(dir, 'archive'), '-C', dir, name]);
        const archive = readFileSync(join(dir, 'archive'));
        const server = http.createServer((request, response) =>
            request.url === `/v${version}/${name}.tar.gz` ? response.end(archive) : response.writeHead(404).end()
        );
        const baseUrl = `http://127.0.0.1:${await listen(server)}`;
        onTestFinished(() => void server.close());
        const newest = { version, sha256: { 'linux-amd64': createHash('sha256').update(archive).digest('hex') } };
        return { baseUrl, machine: { platform: 'linux', arch: 'x64' }, env: {}, releases: { newest, oldest: newest } };
    }

    test('is downloaded, verified, unpacked and put in the cache', async () => {
        silence();
        const options = await publish('2.14.5');
        const root = temporaryFolder();
        const fetch: Source['fetch'] = (role, dir, check) => fetchRelease(role, dir, check, options);
        const server = await fetchServer(root, 'newest', [], [{ label: 'release', fetch }]);
        expect(server).toEqual({ version: '2.14.5', path: join(root, '.cache/nats-server/2.14.5/nats-server') });
        expect(readdirSync(join(root, '.cache'))).toEqual(['nats-server']);
        expect((await findServers(root, { PATH: '' })).servers.newest).toEqual(server);
    });

    test('with another checksum is not unpacked', async () => {
        silence();
        const options = await publish('2.14.5');
        const wrong = { version: '2.14.5', sha256: { 'linux-amd64': '0'.repeat(64) } };
        const dir = temporaryFolder();
        const check = vi.fn<() => Promise<undefined>>();
        const result = await fetchRelease('newest', dir, check, {
            ...options,
            releases: { newest: wrong, oldest: wrong }
        });
        expect(result).toEqual({ problem: expect.stringMatching(/has SHA-256 .* and not 0{64}; it was not unpacked/) });
        expect(check).not.toHaveBeenCalled();
        expect(existsSync(join(dir, 'root'))).toBe(false);
    });

    test('that is missing, unknown for the platform or no archive is a problem with a reason', async () => {
        silence();
        const options = await publish('2.14.5');
        const fetch = (change: object) =>
            fetchRelease('newest', temporaryFolder(), async () => 'it is 1.0.0', { ...options, ...change });
        const problem = (reason: string) => ({ problem: expect.stringContaining(reason) });
        expect(await fetch({})).toEqual(problem('it is 1.0.0'));
        expect(await fetch({ baseUrl: `${options.baseUrl}/x` })).toEqual(problem('answered with status 404'));
        expect(await fetch({ machine: { platform: 'aix', arch: 'ppc64' } })).toEqual(
            problem('no checksum is known for aix-ppc64')
        );
    });
});
