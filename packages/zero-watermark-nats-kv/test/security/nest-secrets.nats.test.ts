import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { installWithNest, type NestInstallation, type NestMajor } from '../../../../test/support/nest.js';
import { type NatsServer, startNatsServer } from '../../src/testing.js';
import { natsServers } from '../nats-binaries.js';
import { expectNoSecret } from '../support/auth.js';
import { secretText } from '../support/authentications.js';
import { uniqueBucket } from '../support/backends.js';

const WAYS = ['forRoot', 'useFactory', 'useClass'] as const;

describe.each<NestMajor>([11, 12])('under NestJS %i', major => {
    const pass = secretText();
    const wrong = secretText();
    let server: NatsServer;
    let installation: NestInstallation;
    let script: string;
    beforeAll(async () => {
        const permissions = 'permissions: { publish: { deny: ["$KV.*.forbidden"] } }';
        [server, installation] = await Promise.all([
            startNatsServer({
                binary: natsServers().newest.path,
                config: `authorization { users: [{ user: change-source, password: "${pass}", ${permissions} }] }`
            }),
            installWithNest(major, {
                name: 'zero-watermark-nats-kv',
                dependencies: ['@nats-io/transport-node'],
                app: new URL('../support/nest-package.mjs', import.meta.url)
            })
        ]);
        script = join(dirname(installation.app), 'shown.mjs');
        await cp(fileURLToPath(new URL('../support/shown-by-nest.mjs', import.meta.url)), script);
    });
    afterAll(() => Promise.all([server.stop(), installation[Symbol.asyncDispose]()]));

    test('no application shows a password, whether it starts or not', async () => {
        const common = {
            servers: [server.url],
            bucket: uniqueBucket(),
            user: 'change-source',
            pass,
            connectTimeoutMs: 500
        };
        const cases: readonly object[] = [
            {},
            { pass: wrong },
            { servers: ['nats://127.0.0.1:1'] },
            { servers: [server.url.replace('nats:', 'tls:')] },
            { servers: [`nats://user:${wrong}@127.0.0.1`] },
            { storage: wrong, credentials: wrong, replicas: wrong }
        ];
        const applications = cases.flatMap(options =>
            WAYS.flatMap((way, index) => [{ way, options: { ...common, ...options }, asJson: index === 1 }])
        );
        const child = spawn(process.execPath, [script, JSON.stringify(applications)], {
            stdio: ['ignore', 'pipe', 'pipe']
        });
        let shown = '';
        child.stdout.on('data', chunk => (shown += String(chunk)));
        child.stderr.on('data', chunk => (shown += String(chunk)));
        await once(child, 'close');

        expectNoSecret(shown, [pass, wrong]);
        // All of it has happened, and was told.
        for (const told of [
            ...['PERMISSION_DENIED', 'CLOSED', 'AUTHENTICATION_FAILED', 'UNAVAILABLE', 'INVALID_OPTIONS'],
            ...['Internal server error', 'the server offers no TLS', 'holds credentials', 'all was shown'],
            ...['NestFactory', '"level":"error"']
        ]) {
            expect(shown).toContain(told);
        }
    });
});
