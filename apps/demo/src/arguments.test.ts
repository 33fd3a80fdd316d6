import { expect, test } from 'vitest';

import { parseArguments, USAGE, UsageError } from './arguments.js';

test('without arguments: no zero-cache, one node, and the nats-server of the set-up', () => {
    expect(parseArguments([])).toEqual({ zero: false, cluster: false, natsServer: undefined, postgres: undefined });
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
});

test('help explains every option, whatever else is asked', () => {
    expect(parseArguments(['--help'])).toBe('help');
    expect(parseArguments(['-h', '--postgres', '/opt/postgres'])).toBe('help');
    for (const option of ['--zero', '--cluster', '--nats-server', '--postgres', '--help']) {
        expect(USAGE).toContain(`\n  ${option} `);
    }
});

test.each([['--clutser'], ['extra'], ['--nats-server'], ['--cluster=yes'], ['--zero=1'], ['--nats-server=']])(
    'refuses %s and says so',
    argument => {
        expect(() => parseArguments([argument])).toThrow(UsageError);
        expect(() => parseArguments([argument])).toThrow(argument.split('=')[0]);
    }
);

test('refuses what makes no sense without zero-cache, and says what it goes with', () => {
    expect(() => parseArguments(['--postgres', '/opt/postgres'])).toThrow(UsageError);
    expect(() => parseArguments(['--postgres', '/opt/postgres'])).toThrow("goes with '--zero'");
});
