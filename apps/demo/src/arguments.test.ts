import { expect, test } from 'vitest';

import { parseArguments, USAGE, UsageError } from './arguments.js';

test('without arguments: NATS, no zero-cache, one node, and the nats-server of the set-up', () => {
    expect(parseArguments([])).toEqual({
        store: 'nats',
        zero: false,
        cluster: false,
        natsServer: undefined,
        postgres: undefined
    });
});

test('takes its options, in any order', () => {
    expect(parseArguments(['--cluster', '--nats-server', '/opt/nats'])).toMatchObject({
        cluster: true,
        natsServer: '/opt/nats'
    });
    expect(parseArguments(['--postgres', '/opt/postgres', '--cluster', '--zero'])).toMatchObject({
        zero: true,
        cluster: true,
        postgres: '/opt/postgres'
    });
    expect(parseArguments(['--store', 'sqlite'])).toMatchObject({ store: 'sqlite', cluster: false });
    expect(parseArguments(['--cluster', '--store=nats'])).toMatchObject({ store: 'nats', cluster: true });
});

test('help explains every option, whatever else is asked', () => {
    expect(parseArguments(['--help'])).toBe('help');
    expect(parseArguments(['-h', '--postgres', '/opt/postgres'])).toBe('help');
    for (const option of ['--store', '--zero', '--cluster', '--nats-server', '--postgres', '--help']) {
        expect(USAGE).toContain(`\n  ${option} `);
    }
});

test.each([
    ['--clutser'],
    ['extra'],
    ['--nats-server'],
    ['--cluster=yes'],
    ['--zero=1'],
    ['--nats-server='],
    ['--store=redis'],
    ['--store=']
])('refuses %s and says so', argument => {
    expect(() => parseArguments([argument])).toThrow(UsageError);
    expect(() => parseArguments([argument])).toThrow(argument.split('=')[0]);
});

test('refuses what makes no sense without zero-cache, and says what it goes with', () => {
    expect(() => parseArguments(['--postgres', '/opt/postgres'])).toThrow(UsageError);
    expect(() => parseArguments(['--postgres', '/opt/postgres'])).toThrow("goes with '--zero'");
});

test.each([['--cluster'], ['--zero'], ['--nats-server=/opt/nats']])(
    'refuses %s on SQLite, where there is no server, and says so',
    argument => {
        expect(() => parseArguments(['--store', 'sqlite', argument])).toThrow(UsageError);
        expect(() => parseArguments([argument, '--store=sqlite'])).toThrow(argument.split('=')[0]);
        expect(() => parseArguments([argument, '--store=sqlite'])).toThrow("with '--store sqlite' there is none");
    }
);
