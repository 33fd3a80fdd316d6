import { connect } from '@nats-io/transport-node';
import { describe, expect, test } from 'vitest';

import { type NatsKvConfig, openWatermarkStore, WatermarkErrorCode } from '../../src/store.js';
import { type NatsServer, startNatsServer } from '../../src/testing.js';
import { natsServers } from '../nats-binaries.js';
import { recordLog } from '../support/backends.js';
import { type Attempt, everyCall, prepare, SHARDS } from '../support/calls.js';
import { documentedCalls, type Role, roles, subjectsOf, userWith } from '../support/permissions.js';

const { newest, oldest } = natsServers();
const BUCKET = 'zero-watermarks';
const OPENING = 'openWatermarkStore on a missing bucket';
const calls = documentedCalls();

const START = {
    servers: [] as string[],
    bucket: BUCKET,
    pass: 'a-password',
    timeoutMs: 5_000,
    retainTokens: 0,
    retainMs: 0
} as const;

function startServer(binary: string, users: readonly string[]): Promise<NatsServer> {
    return startNatsServer({ binary, config: `authorization { users: [${users.join(', ')}] }` });
}

/** The administrator, who prepares everything, and users of a role. */
function usersOf(role: Role): string[] {
    return [...new Set<Role>(['administrator', role])].map(name => userWith(name, subjectsOf(name, SHARDS)));
}

/** What the server's log says that somebody was not allowed to do. */
function violationsOf(server: NatsServer, user: string): string[] {
    return server
        .logs(100_000)
        .split('\n')
        .filter(
            line => /violation/i.test(line) && (line.includes(`User "${user}"`) || line.includes(`/user:${user}"`))
        );
}

/** What a call came to: `yes`, `no`, or something that it must not come to. */
async function outcomeOf(call: Promise<unknown>): Promise<string> {
    return call.then(
        () => 'yes',
        (error: unknown) =>
            error instanceof Error && 'code' in error && error.code === WatermarkErrorCode.PERMISSION_DENIED
                ? 'no'
                : String(error)
    );
}

describe.each([newest, oldest])('nats-server $version', ({ path: binary }) => {
    test.each(roles)('%s: each call comes to what the table of docs/security.md says', async role => {
        await using server = await startServer(binary, usersOf(role));
        const logger = recordLog();
        const own: NatsKvConfig = { ...START, servers: [server.url], user: role, logger };
        const found = new Map<string, string>();
        found.set(OPENING, await outcomeOf(openWatermarkStore(own).then(store => store.close())));
        await using administrator = await openWatermarkStore({ ...own, user: 'administrator' });
        const given = await prepare(administrator);
        await using store = await openWatermarkStore(own);
        for (const [name, call] of everyCall) {
            const before = violationsOf(server, role).length;
            const outcome = await outcomeOf(call({ store, options: own, logger, given }));
            found.set(name, outcome);
            // What is said to work asks for nothing that is not permitted, and the other way round.
            expect({ name, denied: violationsOf(server, role).length > before }).toEqual({
                name,
                denied: outcome === 'no'
            });
        }

        const documented = [...calls].map(([name, allowed]) => [name, allowed.has(role) ? 'yes' : 'no']);
        expect(Object.fromEntries(found)).toEqual(Object.fromEntries(documented));
        if (role === 'reader') {
            // Whatever it tried, nothing was changed.
            const watermarks = await administrator.watermarks.getAll();
            expect([...watermarks.values()].map(({ version }) => version)).toEqual(Array<string>(5).fill('v1'));
            const head = { watermark: given[2], resumeToken: 'position-3' };
            expect(await administrator.resumeTokens.head('orders')).toEqual(head);
        }
    });

    test.each(roles)('%s: no subject of the table can be left out', async role => {
        // The test of the single subjects has those of flow control and direct get. `fresh` is the shard that is not there.
        const others = [
            /\$JS\.(FC|API\.DIRECT)\./,
            /STREAM\.CREATE.*-orders$/,
            /^(?!.*STREAM\.CREATE).*-fresh/,
            /-returns/
        ];
        const subjects = subjectsOf(role, SHARDS)
            .filter(subject => !others.some(pattern => pattern.test(subject)))
            // What can be tried only as long as something is not there comes first.
            .sort((a, b) => Number(b.includes('STREAM.CREATE')) - Number(a.includes('STREAM.CREATE')));
        expect(subjects.length).toBeGreaterThan(5);
        const without = subjects.map((subject, index) => {
            const others = subjectsOf(role, SHARDS).filter(other => other !== subject);
            return userWith(`without-${index}`, others);
        });
        await using server = await startServer(binary, [...usersOf('administrator'), ...without]);
        const options = { ...START, servers: [server.url] };
        for (const [index, subject] of subjects.entries()) {
            const user = `without-${index}`;
            const logger = recordLog();
            const own: NatsKvConfig = { ...options, user, logger };
            if (subject === `$JS.API.STREAM.CREATE.KV_${BUCKET}`) {
                expect(await outcomeOf(openWatermarkStore(own))).toBe('no');
                continue;
            }
            await using administrator = await openWatermarkStore({ ...options, user: 'administrator' });
            const given = await prepare(administrator);
            const opened = await openWatermarkStore(own).catch(() => undefined);
            if (opened !== undefined) {
                await using store = opened;
                const attempt: Attempt = { store, options: own, logger, given };
                for (const [name, call] of everyCall) {
                    if (calls.get(name)?.has(role) === true) {
                        await outcomeOf(call(attempt));
                    }
                }
            }
            const pattern = subject.replaceAll(/[$.]/g, '\\$&').replaceAll('*', '[^."]+').replace('>', '[^"]+');
            const denied = violationsOf(server, user);
            expect(denied, `without ${subject}`).toContainEqual(expect.stringMatching(new RegExp(`"${pattern}"`)));
            await administrator.resumeTokens.clear();
            await administrator.watermarks.clear();
        }
    });

    test.each(roles)("%s: nothing else of JetStream's is permitted", async role => {
        await using server = await startServer(binary, usersOf(role));
        const options = { ...START, servers: [server.url] };
        await using administrator = await openWatermarkStore({ ...options, user: 'administrator' });
        await prepare(administrator);
        const streams = [`KV_${BUCKET}`, `KV_${BUCKET}-tokens-orders`, 'KV_other', `KV_${BUCKET}-tokens-other`];
        const tried = [
            ...streams.flatMap(stream => ACTIONS_ON_STREAMS.map(action => action.replaceAll('STREAM_NAME', stream))),
            ...ACTIONS_ON_ALL,
            ...['', '-tokens-orders', '-other', '-tokens-other'].map(bucket => `$KV.${BUCKET}${bucket}.a-key`),
            'orders.created'
        ];
        const allowed = new Set<string>();
        const connection = await connect({ servers: server.url, user: role, pass: 'a-password' });
        for (const subject of tried) {
            connection.publish(subject, 'not what is expected there');
        }
        await connection.flush();
        await connection.close();
        const violations = violationsOf(server, role).join('\n');
        for (const subject of tried.filter(candidate => !violations.includes(`Subject "${candidate}"`))) {
            allowed.add(subject);
        }
        const patterns = subjectsOf(role, SHARDS).map(
            subject =>
                new RegExp(`^${subject.replaceAll(/[$.]/g, '\\$&').replaceAll('*', '[^.]+').replace('>', '.+')}$`)
        );
        const documented = tried.filter(subject => patterns.some(pattern => pattern.test(subject)));
        expect([...allowed].sort()).toEqual(documented.sort());
        expect(documented.length).toBeGreaterThan(5);
        const destructive = [...allowed].filter(subject => /DELETE|UPDATE|RESTORE|SNAPSHOT|STEPDOWN/.test(subject));
        expect(destructive.filter(subject => !subject.includes('CONSUMER.DELETE'))).toEqual([]);
    });
});

/** What JetStream can be asked about a stream (nats-server `server/jetstream_api.go`). */
const ACTIONS_ON_STREAMS = [
    ...['CREATE', 'UPDATE', 'INFO', 'DELETE', 'PURGE', 'SNAPSHOT', 'RESTORE', 'MSG.DELETE', 'MSG.GET'].map(
        action => `$JS.API.STREAM.${action}.STREAM_NAME`
    ),
    ...['PEER.REMOVE', 'LEADER.STEPDOWN'].map(action => `$JS.API.STREAM.${action}.STREAM_NAME`),
    '$JS.API.DIRECT.GET.STREAM_NAME',
    `$JS.API.DIRECT.GET.STREAM_NAME.$KV.${BUCKET}.a-key`,
    '$JS.API.CONSUMER.CREATE.STREAM_NAME',
    '$JS.API.CONSUMER.CREATE.STREAM_NAME.a-name',
    `$JS.API.CONSUMER.CREATE.STREAM_NAME.a-name.$KV.${BUCKET}.a-key`,
    `$JS.API.CONSUMER.CREATE.STREAM_NAME.a-name.$KV.other.a-key`,
    '$JS.API.CONSUMER.DURABLE.CREATE.STREAM_NAME.a-name',
    ...['NAMES', 'LIST'].map(action => `$JS.API.CONSUMER.${action}.STREAM_NAME`),
    ...['INFO', 'DELETE', 'PAUSE', 'UNPIN', 'MSG.NEXT', 'LEADER.STEPDOWN'].map(
        action => `$JS.API.CONSUMER.${action}.STREAM_NAME.a-name`
    ),
    '$JS.ACK.STREAM_NAME.a-name.1.1.1.1.1',
    '$JS.FC.STREAM_NAME.a-name.a-token'
];

const ACTIONS_ON_ALL = [
    ...['INFO', 'STREAM.NAMES', 'STREAM.LIST', 'META.LEADER.STEPDOWN', 'SERVER.REMOVE', 'ACCOUNT.PURGE.A'].map(
        action => `$JS.API.${action}`
    ),
    '$SYS.REQ.SERVER.PING',
    '$SYS.REQ.USER.INFO'
];

test('the table has every public method of both services, and the test tries every one of them', async () => {
    await using server = await startNatsServer({ binary: newest.path });
    await using store = await openWatermarkStore({ servers: [server.url], bucket: BUCKET });
    const methods = Object.entries({ watermarks: store.watermarks, resumeTokens: store.resumeTokens }).flatMap(
        ([name, service]) => methodsOf(service).map(method => `${name}.${method}`)
    );
    const withoutRemark = (call: string) => call.replace(/ (of|that) .*/, '');
    const documented = new Set([...calls.keys()].map(withoutRemark));
    const closing = ['watermarks.close', 'resumeTokens.close'];
    expect([...documented, ...closing].filter(call => call.includes('.')).sort()).toEqual(methods.sort());
    expect([...everyCall.keys(), OPENING].sort()).toEqual([...calls.keys()].sort());
});

function methodsOf(service: object): string[] {
    const names = new Set<string>();
    for (let at: object = service; at !== Object.prototype; at = Object.getPrototypeOf(at) as object) {
        for (const name of Object.getOwnPropertyNames(at)) {
            names.add(name);
        }
    }
    names.delete('constructor');
    return [...names];
}
