import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { natsServers } from '../../test/nats-binaries.js';
import { findNatsServer } from './find-nats-server.js';

const { newest, oldest } = natsServers();
let folder: string;

beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'find-nats-server-'));
    vi.stubEnv('NATS_SERVER_BIN', undefined);
});

afterEach(async () => {
    vi.unstubAllEnvs();
    await rm(folder, { recursive: true });
});

async function program(name: string, text: string, mode = 0o755): Promise<string> {
    const path = join(folder, name);
    await writeFile(path, text, { mode });
    return path;
}

describe('where it looks', () => {
    test('a path that is given', async () => {
        expect(await findNatsServer({ binary: newest.path })).toEqual(newest);
    });

    test('a name that is given, on the PATH', async () => {
        await symlink(oldest.path, join(folder, 'my-nats'));
        vi.stubEnv('PATH', folder);
        expect(await findNatsServer({ binary: 'my-nats' })).toEqual({
            path: join(folder, 'my-nats'),
            version: oldest.version
        });
    });

    test('NATS_SERVER_BIN, before the PATH', async () => {
        await symlink(newest.path, join(folder, 'nats-server'));
        vi.stubEnv('PATH', folder);
        vi.stubEnv('NATS_SERVER_BIN', oldest.path);
        expect(await findNatsServer()).toEqual(oldest);
    });

    test('nats-server on the PATH', async () => {
        await symlink(newest.path, join(folder, 'nats-server'));
        vi.stubEnv('PATH', folder);
        expect(await findNatsServer()).toEqual({ path: join(folder, 'nats-server'), version: newest.version });
    });
});

describe('what it refuses, and how that is mended', () => {
    test('nothing there: says where it looked and how to get one', async () => {
        const binary = join(folder, 'none');
        await expect(findNatsServer({ binary })).rejects.toMatchObject({
            name: 'NatsServerError',
            code: 'ERR_NATS_SERVER_NOT_FOUND',
            message: expect.stringMatching(/option binary[^]*\/none\n[^]*NATS_SERVER_BIN[^]*brew install nats-server/)
        });
    });

    test('NATS_SERVER_BIN names nothing: another server is not taken instead', async () => {
        await symlink(newest.path, join(folder, 'nats-server'));
        vi.stubEnv('PATH', folder);
        vi.stubEnv('NATS_SERVER_BIN', join(folder, 'none'));
        await expect(findNatsServer()).rejects.toThrow('because of NATS_SERVER_BIN');
    });

    test('a file that may not be executed', async () => {
        const binary = await program('nats-server', '#!/bin/sh\n', 0o644);
        await expect(findNatsServer({ binary })).rejects.toMatchObject({ code: 'ERR_NATS_SERVER_NOT_FOUND' });
    });

    test('another program', async () => {
        const binary = await program('other', '#!/bin/sh\necho something else\n');
        await expect(findNatsServer({ binary })).rejects.toThrow(/other is not a nats-server[^]*something else/);
    });

    test('a program that fails', async () => {
        const binary = await program('broken', '#!/bin/sh\nexit 3\n');
        await expect(findNatsServer({ binary })).rejects.toThrow(/`--version` did not work/);
    });

    test('a version that is too old, also when the file is replaced by it', async () => {
        const binary = await program('changing', '#!/bin/sh\necho nats-server: v2.11.4\n');
        expect((await findNatsServer({ binary })).version).toBe('2.11.4');
        await program('changing', '#!/bin/sh\necho nats-server: v2.9.25\n');
        await expect(findNatsServer({ binary })).rejects.toMatchObject({
            code: 'ERR_NATS_SERVER_TOO_OLD',
            message: expect.stringContaining('is nats-server 2.9.25, which is too old: 2.10.0 or newer is needed')
        });
    });
});
